project = "shop"

service "api" {
  build "go" {}
  port = 8000 ** 2 # ERROR: A value is wanted here
  cpu = true & false # ERROR: Unsupported operator -> Bitwise
}
