# OPTIONS: --var-file prod.vars.hcl
project = "shop"

variable "level" {
  default = "info"
  validation {
    condition     = var.level != "quiet" # ERROR: The value of "level" is not allowed -> The level is debug, info or warn. The value comes from prod.vars.hcl.
    error_message = "The level is debug, info or warn."
  }
}
variable "replicas" { type = number }
variable "password" {
  sensitive = true
  type      = number
}
variable "token" { sensitive = true }

service "api" {
  build "go" {}
}
