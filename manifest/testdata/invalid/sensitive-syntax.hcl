project = "shop"

variable "password" {
  sensitive = true
  default   = hunter2 secret # ERROR: Something stands behind the value -> If the value is text, put it in quotes; otherwise put what follows on the next l
}
variable "plain" {
  default = a b
}

environment "prod" {
  variables = { password = hunter2 again }
}

service "api" {
  build "go" {}
}
