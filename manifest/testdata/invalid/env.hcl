project = "shop"

locals {
  nothing = null
}

service "a" {
  build "go" {}
  env = {
    PORT     = 80 # ERROR: PORT is set by the port attribute -> port = 8080
    "my-var" = 1 # ERROR: Invalid name "my-var" of an environment variable -> for example my_var
    "1ST"    = 1 # ERROR: Invalid name "1ST" of an environment variable -> do not begin with a digit
    ""       = 1 # ERROR: Invalid name "" of an environment variable
    LIST     = ["a", "b"] # ERROR: The environment variable "LIST" has to be a string, number or bool -> It is a list.
    MAP      = { a = 1 } # ERROR: The environment variable "MAP" has to be a string, number or bool -> jsonencode
    (local.nothing) = 1 # ERROR: The key is not text -> It is null.
    LEVEL    = var.levl # ERROR: There is no variable "levl" -> The manifest declares no variable.
    OTHER    = lcal.x # ERROR: Unknown name "lcal" -> Did you mean "local"?
  }
}
service "b" {
  build "go" {}
  env = ["A=1"] # ERROR: "env" has to be a map -> It is a list. For example: env = { LOG_LEVEL = "info" }
}
service "c" {
  build "go" {}
  env = "A=1" # ERROR: "env" has to be a map -> the string "A=1"
}
