# Whatever is wrong with a sensitive value, no message has a part of it.
project = "shop"

variable "password" {
  sensitive = true
  default   = "hunter2-secret"
  validation {
    condition     = var.password # ERROR: The condition is not true or false -> It is a sensitive value. Compare with something, for example: var.password != ""
    error_message = "It is wrong."
  }
  validation {
    condition     = length(var.password) < 3 # ERROR: The value of "password" is not allowed -> The condition is false for it.
    error_message = "It is too long: ${var.password}" # ERROR: A sensitive value cannot be used here -> For a password, a secret block is better still: its value is nowhere in the mani
  }
}
variable "number" {
  sensitive = true
  type      = number
  default   = "hunter2-number" # ERROR: The default of "number" does not fit its type -> The type is number, and this is something else.
}
variable "unquoted" {
  sensitive = true
  default   = hunter2-unquoted # ERROR: The value cannot be evaluated -> Text stands in double quotes, and only functions such as env("NAME") can be used
}
variable "called" {
  sensitive = true
  default   = tonumber("hunter2-called") # ERROR: The argument does not fit the function -> What is wrong with it is not shown, since a sensitive value is part of it.
}
variable "misspelled" { # ERROR: The variable "misspelled" has no value -> in a file for --var-file, with the environment variable TWOFOLD_VAR_misspelled, 
  sensitive = true
  defualt   = "hunter2-misspelled" # ERROR: Unknown attribute "defualt" -> Did you mean "default"?
}

locals {
  number = tonumber(var.password) # ERROR: The argument does not fit the function -> What is wrong with it is not shown, since a sensitive value is part of it.
  inside = var.password.hunter # ERROR: There is no such attribute -> The value before it is sensitive, so what it has inside is not shown.
  file   = file(var.password) # ERROR: The function failed -> What is wrong with it is not shown, since a sensitive value is part of it.
  index  = { a = 1 }[var.password] # ERROR: There is no such element -> What is wrong with it is not shown, since a sensitive value is part of it.
}

service "api" {
  build "go" {}
  env = {
    A = [var.password] # ERROR: The environment variable "A" has to be a string, number or bool -> It is a list. Turn it into text, for example with jsonencode(...).
    B = var.password + 1 # ERROR: The operator does not fit the value -> What is wrong with it is not shown, since a sensitive value is part of it.
    C = regex("^x", var.password) # ERROR: The function failed -> What is wrong with it is not shown, since a sensitive value is part of it.
  }
}
