project = shop # ERROR: The project's name cannot depend on another value -> project = "shop"

service "api" {
  build "go" {}
}
