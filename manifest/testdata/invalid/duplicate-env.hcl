project = "shop"

service "api" {
  build "go" {}
  env = {
    LOG_LEVEL = "info"
    "LOG_LEVEL" = "warn" # ERROR: "LOG_LEVEL" is set twice -> Remove one
  }
}
