# ERROR FILE: The attribute "project" is missing -> project = "shop"
service "api" {
  build "go" {}
}
