project = "shop"

locals {
  self = local.self # ERROR: The local value "self" refers to itself -> local.self -> local.self
  a    = "${local.b}!" # ERROR: The local value "a" refers to itself -> local.a -> local.b -> local.c -> local.a
  b    = local.c
  c    = [local.a]
  d    = local.a
}

service "api" {
  build "go" {}
  env = {
    D = local.d
  }
}
