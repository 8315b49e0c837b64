# OPTIONS: --env prod
project = "shop"

variable "replicas" {
  type    = number
  default = 1
  validation {
    condition     = var.replicas > 0 # ERROR: The value of "replicas" is not allowed -> At least one replica is needed.
    error_message = "At least one replica is needed."
  }
}

variable "level" {
  default = "loud"
  validation {
    condition     = contains(["debug", "info", "warn"], var.level) # ERROR: The value of "level" is not allowed -> The level is debug, info or warn.
    error_message = "The level is debug, info or warn."
  }
  validation {
    condition     = length(var.level) # ERROR: The condition is not true or false -> It is the number 4. Compare with something, for example: var.level != ""
    error_message = "It is too long."
  }
  validation {
    condition     = true # ERROR: The condition does not look at "level" -> It has to use var.level, or it says nothing about it.
    error_message = "It is never checked."
  }
  validation { # ERROR: The attribute "error_message" is missing -> The validation block needs it, for example: error_message = "The value is out of range."
    condition = var.level != ""
  }
}

service "api" {
  build "go" {}
}

environment "prod" {
  variables = { replicas = 0 }
}
