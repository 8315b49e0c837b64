project = "shop"

variable "port" {
  type    = number
  default = "eighty" # ERROR: The default of "port" does not fit its type -> The type is number, and this is the string "eighty". A number is required.
}
variable "tags" {
  type    = list(string)
  default = "a, b" # ERROR: The default of "tags" does not fit its type -> List of string required, but have string.
}
variable "limits" {
  type    = object({ memory = string, cpu = optional(string) })
  default = { mem = "512Mi" } # ERROR: The default of "limits" does not fit its type -> Attribute "memory" is required.
}
variable "flags" {
  type    = map(bool)
  default = { a = "yes" } # ERROR: The default of "flags" does not fit its type -> The type is map(bool), and this is a map. A bool is required.
}
variable "list" {
  type    = list # ERROR: Not a type -> Did you mean "list(string)"?
  default = []
}
variable "many" {
  type    = array(string) # ERROR: Not a type -> Use string, number, bool, any, list(string), set(string), map(string), object({ 
  default = []
}

service "api" {
  build "go" {}
}
