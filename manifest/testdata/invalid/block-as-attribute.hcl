project = "shop"

service "api" {
  build = "go" # ERROR: "build" is a block, not an attribute -> build "go"
  health = { path = "/healthz" } # ERROR: "health" is a block, not an attribute -> without the equals sign
}
