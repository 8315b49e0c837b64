project = "shop"

variable "home" { default = getenv("HOME") } # ERROR: There is no function "getenv" -> Did you mean "env"?
variable "key" { default = env("NOT_SET") } # ERROR: The function failed -> Set it, or name a value to use without it: env("NOT_SET", "...").
variable "none" { default = env() } # ERROR: An argument of the function is missing -> Function "env" expects at least 1 argument. Missing value for "name".
variable "odd" { default = env("NOT-A-NAME") } # ERROR: The argument does not fit the function -> "NOT-A-NAME" is not the name of an environment variable.

service "api" {
  build "go" {}
  env = {
    HOME  = env("HOME") # ERROR: env is for the default of a variable -> Declare a variable with default = env("NAME") and use var.NAME here, so that eac
    NOW   = timestamp() # ERROR: There is no function "timestamp" -> Give the value by a variable.
    UUID  = uuid() # ERROR: There is no function "uuid" -> Give the value by a variable.
    TMPL  = template_file("config.tpl", {}) # ERROR: There is no function "template_file" -> Did you mean "templatefile"?
    READ  = readfile("motd.txt") # ERROR: There is no function "readfile" -> Did you mean "file"?
    SENS  = nonsensitive("x") # ERROR: There is no function "nonsensitive" -> Use it in env, or declare a variable that is not sensitive.
  }
}
