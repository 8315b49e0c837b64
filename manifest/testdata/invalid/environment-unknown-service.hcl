# OPTIONS: --env prod
project = "shop"

service "api" {
  build "go" {}
}

environment "prod" {
  service "apii" { # ERROR: There is no service "apii" -> An environment overrides services that exist outside of it. Did you mean "api"?
    memory = "1Gi"
  }
  service "worker" { # ERROR: There is no service "worker" -> An environment overrides services that exist outside of it. The services are api.
    memory = "1Gi"
  }
}
