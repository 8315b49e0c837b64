project = "shop"

service "api" = { # ERROR: A block has no equals sign -> without an equals sign
  build "go" {}
}
