project = "shop"

service "api" {
  build "go" {}
  memory = 512Mi # ERROR: Quotes are missing -> Did you mean "512Mi"?
}
