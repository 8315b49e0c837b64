project = "shop"

service "api" {
  build "go" {}
  port = # ERROR: A value is wanted here -> text in double quotes
  cpu = "1"
}
