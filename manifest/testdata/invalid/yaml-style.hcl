project = "shop"

service "api" {
  build "go" {}
  port: 8080 # ERROR: A colon instead of an equals sign -> Write port = value.
}
