project = "shop"

service "api" {
  build "go" {}
  health { path = "/healthz", start = "5s" } # ERROR: A block in one line holds one attribute -> a line of its own
}
