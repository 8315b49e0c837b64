service "worker" {
  for_each = { eu = "eu-west-1", us = "us-east-1" }

  build "go" { package = "./cmd/worker" }
  env = {
    NAME   = each.key
    REGION = each.value
  }
}
