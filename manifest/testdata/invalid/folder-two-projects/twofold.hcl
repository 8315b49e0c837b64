project = "shop"

service "api" {
  build "go" {}
}
