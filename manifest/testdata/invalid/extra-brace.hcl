project = "shop"

service "api" {
  build "go" {}
}
} # ERROR: An attribute or a block is wanted here -> A bracket too many
