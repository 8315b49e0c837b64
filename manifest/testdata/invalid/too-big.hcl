project = "shop"

locals {
  a = join("", [for i in range(1000) : "0123456789"])
  b = join("", [for i in range(1000) : local.a])
  c = join("", [for i in range(1000) : local.b]) # ERROR: The values of the manifest are too big -> repeats or doubles
}

service "api" {
  build "go" {}
  env = {
    C = local.c
  }
}
