project "shop" # ERROR: An equals sign is missing -> Write project = "shop"

service "api" {
  build "go" {}
  port 8080 # ERROR: An equals sign or a block is missing -> Write name = value
}
