project = "shop"

this is not a manifest # ERROR: The opening brace is missing

service "api" {
  build "go" {}
}
