project = "shop"

variable "log_level" { default = "info" }

locals {
  region = "eu"
  zone   = "${local.regoin}-1" # ERROR: There is no local value "regoin" -> Did you mean "local.region"?
  uses   = local.zone
}

service "api" {
  build "go" {}
  memory = memory # ERROR: Unknown name "memory" -> put it in quotes: "memory"
  env = {
    A = var.loglevel # ERROR: There is no variable "loglevel" -> Did you mean "var.log_level"?
    B = log_level # ERROR: Unknown name "log_level" -> Did you mean "var.log_level"?
    C = var.region # ERROR: There is no variable "region" -> Did you mean "local.region"?
    D = locals.region # ERROR: Unknown name "locals" -> Did you mean "local"?
    E = local.uses
    F = var # ERROR: "var" needs a name -> The variables are log_level.
    G = "${var.x} ${var.y}" # ERROR: There is no variable "x" -> The variables are log_level. # ERROR: There is no variable "y"
    H = aws_s3_bucket.b.arn # ERROR: Unknown name "aws_s3_bucket" -> Values are referred to as var.NAME, local.NAME,
    I = local.region.name # ERROR: There is no such attribute
  }
}
