project = "shop"

service "api" {
  build "go" {}
  env { # ERROR: "env" is an attribute, not a block -> Write it with an equals sign: env = {
    LOG_LEVEL = "info"
  }
}
