# OPTIONS: --env prod
project = "shop"

service "api" {
  build "go" {}
  schedule "nightly" {
    cron = "0 3 * * *"
    path = "/nightly"
  }
  secret "TOKEN" { from = "token" }
}

target "lambda" "functions" {}

environment "prod" {
  service "api" {
    schedule "nigthly" { # ERROR: The attribute "cron" is missing -> There is no schedule "nigthly" outside of the environment that this could overri # ERROR: The attribute "path" is missing -> There is no schedule "nigthly" outside of the environment that this could overri
      target = target.lambda.functions
    }
    secret "TOKNE" {} # ERROR: The attribute "from" is missing -> There is no secret "TOKNE" outside of the environment that this could override, 
    volume "data" { size = "10Gi" } # ERROR: The attribute "path" is missing -> There is no volume "data" outside of the environment that this could override, s
    on "queue" "orders" { batch = 10 } # ERROR: The attribute "path" is missing -> There is no on "queue" "orders" outside of the environment that this could overr # ERROR: The attribute "source" is missing -> There is no on "queue" "orders" outside of the environment that this could overr
    build "command" { run = ["make"] } # ERROR: The attribute "start" is missing -> There is no build "command" outside of the environment that this could override,
  }
  target "kubernetes" "cluster" { # ERROR: The attribute "context" is missing -> There is no target "kubernetes" "cluster" outside of the environment that this c
    namespace = "shop"
  }
}
