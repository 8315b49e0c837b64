project = "shop"

variable "A level" { default = 1 } # ERROR: The variable's name "A level" cannot be referred to -> Use letters, digits and underscores, and begin with a letter, so that var.NAME works.
variable { default = 1 } # ERROR: The variable block has no label -> Its one label says the variable's name:
variable "a" "b" { default = 1 } # ERROR: The variable block has a label too many -> Its one label says the variable's name:
variable "twice" { default = 1 }
variable "twice" { default = 2 } # ERROR: There are two variables "twice" -> Rename or remove one of the two.
variable "kind" {
  type      = "text" # ERROR: Not a type -> Did you mean "string"?
  default   = 1
  required  = true # ERROR: Unknown attribute "required" -> A variable block takes the attributes default, description, sensitive and type, 
  sensitive = "perhaps" # ERROR: "sensitive" has to be true or false -> It is the string "perhaps". For example: sensitive = true
}
variable "refers" {
  type        = string
  description = var.kind # ERROR: This has to be written out -> What a variable block says of itself is read before any value is there, and cann
  default     = local.x # ERROR: The default of a variable refers to another value -> Put the expression into a locals block and use local.NAME instead.
}
vars { # ERROR: Unknown block "vars" -> Did you mean "variable"?
  a = 1
}

service "api" {
  build "go" {}
}
