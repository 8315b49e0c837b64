# OPTIONS: --env prd
project = "shop"

service "api" {
  build "go" {}
}

environment "prod" {}
environment "staging" {}
# ERROR FILE: There is no environment "prd" -> Did you mean "prod"?
