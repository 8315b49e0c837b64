project = "shop"

service "api" {
  build "go" {}
  "port" = 8080 # ERROR: A name in quotes -> Write it without them.
}
