# OPTIONS: --var replicas=many --var zones=eu,us --var regoin=eu --var level --var =x TWOFOLD_VAR_debug=perhaps
project = "shop"

variable "replicas" { type = number }
variable "zones" { type = list(string) }
variable "region" { default = "eu" }
variable "level" { default = "info" }
variable "debug" { type = bool }

service "api" {
  build "go" {}
}
# ERROR FILE: A value without a variable -> Write --var NAME=VALUE.
# ERROR FILE: A variable without a value -> Write --var level=VALUE.
# ERROR FILE: The value of "debug" does not fit its type -> The type is bool, and this is the string "perhaps". A bool is required.
# ERROR FILE: The value of "replicas" does not fit its type -> The type is number, and this is the string "many". A number is required.
# ERROR FILE: The value of "zones" does not fit its type -> Write it as in the manifest, for example: '["a", "b"]' or '{ key = "value" }'
# ERROR FILE: There is no variable "regoin" -> Did you mean "region"?
