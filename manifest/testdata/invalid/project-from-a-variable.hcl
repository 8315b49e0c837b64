variable "name" { default = null }

project = var.name # ERROR: The project's name cannot depend on another value -> Write it as text: project = "shop"

service "api" {
  build "go" {}
}
