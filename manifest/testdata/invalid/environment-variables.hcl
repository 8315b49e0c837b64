# OPTIONS: --env prod
project = "shop"

variable "level" { default = "info" }
variable "replicas" {
  type    = number
  default = 1
}

service "api" {
  build "go" {}
}

environment "prod" {
  variables = {
    levle      = "warn" # ERROR: There is no variable "levle" -> Did you mean "level"?
    level      = var.replicas # ERROR: The value of a variable refers to another value -> Put the expression into a locals block and use local.NAME instead.
    replicas   = "many" # ERROR: The value of "replicas" does not fit its type -> The type is number, and this is the string "many". A number is required.
    replicas   = 3 # ERROR: "replicas" is set twice -> Remove one of the two.
    (upper("x")) = 1 # ERROR: The key is not the name of a variable -> Write the name as it is, without an expression.
  }
}

environment "staging" {
  variables = merge({ level = "x" }, {})
}
