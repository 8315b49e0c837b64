project = "shop"

service "web" {
  build "go" {}
}
