# OPTIONS: --var replicas=0 TWOFOLD_VAR_level=loud
project = "shop"

variable "replicas" {
  type    = number
  default = 1
  validation {
    condition     = var.replicas > 0 # ERROR: The value of "replicas" is not allowed -> At least one replica is needed. The value comes from --var replicas.
    error_message = "At least one replica is needed."
  }
}
variable "level" {
  default = "info"
  validation {
    condition     = contains(["debug", "info", "warn"], var.level) # ERROR: The value of "level" is not allowed -> The value comes from the environment variable TWOFOLD_VAR_level.
    error_message = "The level is debug, info or warn."
  }
}

service "api" {
  build "go" {}
}
