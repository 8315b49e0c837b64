project = "shop"

variable "none" { # ERROR: The variable "none" has no value -> TWOFOLD_VAR_none
  type = string
}
variable "typo" {
  type    = sting # ERROR: Not a type -> Did you mean "string"?
  default = "x"
}
variable "quoted" {
  type    = "integer" # ERROR: Not a type -> Did you mean "number"?
  default = 1
}
variable "bare" {
  type    = list # ERROR: Not a type -> list(string)
  default = []
}
variable "misfit" {
  type    = number
  default = "three" # ERROR: The default of "misfit" does not fit its type -> The type is number, and this is the string "three".
}
variable "list" {
  type    = list(string)
  default = { a = 1 } # ERROR: The default of "list" does not fit its type -> this is a map
}
variable "refers" {
  default = var.misfit # ERROR: The default of a variable refers to another value -> locals block
}
variable "not a name" { # ERROR: The variable's name "not a name" cannot be referred to -> var.NAME
  default = 1
}
variable "worded" {
  default     = 1
  desription = "x" # ERROR: Unknown attribute "desription" -> Did you mean "description"?
  value       = 2 # ERROR: Unknown attribute "value" -> Did you mean "default"?
}

service "api" {
  build "go" {}
  port = var.misfit
}
