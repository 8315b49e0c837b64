project = "shop"

service "api" {
  build "go" {}
  env = { LEVEL = var.level }
  memory = "x" # ERROR: Invalid value for "memory" -> Write a number with Mi or Gi (powers of 1024) or M or G (powers of 1000), such a
}
