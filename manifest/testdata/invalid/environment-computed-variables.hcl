# OPTIONS: all
project = "shop"

variable "level" { default = "info" }

service "api" {
  build "go" {}
}

environment "staging" {
  variables = merge({ level = "x" }, {}) # ERROR: The variables have to be written out -> Write a map, so that each value has its line: variables = { log_level = "warn" }
}

environment "prod" {
  variables { # ERROR: "variables" is an attribute, not a block -> Write it with an equals sign: variables = { log_level = "warn" }
    level = "warn"
  }
}
