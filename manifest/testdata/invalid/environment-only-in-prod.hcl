# OPTIONS: all
# What is wrong in one environment only is reported with its name.
project = "shop"

variable "memory" { default = "512Mi" }

service "api" {
  build "go" {}
  memory = var.memory # ERROR: Invalid value for "memory" -> "1GB" is not an amount of memory. Did you mean "1Gi"?
  scale { max = 4 }
}

environment "staging" {}

environment "prod" {
  variables = { memory = "1GB" }
  service "api" {
    scale { min = 5 } # ERROR: min is more than max -> At least 5 and at most 4 instances cannot be. Raise max or lower min.
    schedule "nightly" {
      cron = "0 25 * * *" # ERROR: Invalid value for "cron" -> The hour is 25, and has to be a number from 0 to 23.
      path = "/nightly"
    }
  }
}
