project = "shop"

variable "region" { # ERROR: The variable "region" has no value -> in a file for --var-file, with the environment variable TWOFOLD_VAR_region, in t
  type        = string
  description = "Where it runs."
}

service "api" {
  build "go" {}
  env = { REGION = var.region }
}
