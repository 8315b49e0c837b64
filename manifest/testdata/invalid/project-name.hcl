project = "My Shop" # ERROR: Invalid project name "My Shop" -> for example "my-shop"

service "api" {
  build "go" {}
}
