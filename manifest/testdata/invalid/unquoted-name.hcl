project = shop # ERROR: Unknown name "shop" -> put it in quotes: "shop"

service "api" {
  build "go" {}
}
