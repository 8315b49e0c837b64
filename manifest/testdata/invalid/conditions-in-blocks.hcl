project = "shop"

service "api" {
  build "go" {}
  if environment.name == "prod" { # ERROR: A label in quotes or { is wanted here -> A block is written name "label" { ... }.
    memory = "1Gi"
  }
}
