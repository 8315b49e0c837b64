project = "shop"

variable "level" { default = env("NOT_SET") } # ERROR: The function failed -> env("NOT_SET", "...")
variable "name" { default = env("NOT-A-NAME") } # ERROR: The argument does not fit the function -> is not the name of an environment variable
variable "latin" { default = env("LATIN1") } # ERROR: The function failed -> is not UTF-8

service "api" {
  build "go" {}
  env = {
    A = uper("x") # ERROR: There is no function "uper" -> Did you mean "upper"?
    B = env("HOME") # ERROR: env is for the default of a variable -> use var.NAME here
    C = upper() # ERROR: An argument of the function is missing
    D = upper("a", "b") # ERROR: An argument too many
    E = len("x") # ERROR: There is no function "len" -> Did you mean "length"?
    F = tonumber("x") # ERROR: The argument does not fit the function -> The string "x" cannot be converted
    G = base64decode("%") # ERROR: The function failed -> not base64
    H = quux("x") # ERROR: There is no function "quux" -> The functions are
    I = element([], 1) # ERROR: The function failed
  }
}
