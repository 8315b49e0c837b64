# OPTIONS: --env prod
project = "shop"

variable "regions" {
  type    = set(string)
  default = ["eu"]
}

service "worker" {
  for_each = var.regions
  build "go" { package = "./worker" }
  env = { REGION = each.key, COMMIT = git.commit, MOTD = file("motd.txt") }
  hook "migrate" {
    when = "before"
    run  = ["./worker", "migrate", each.key]
  }
}

service "web" {
  build "go" {}
  env        = { WORKER = "${service.worker["eu"].url}/x", NAME = service.worker["eu"].name, ENVIRONMENT = environment.name }
  depends_on = [service.worker]
}

environment "prod" {
  variables = { regions = ["eu", "us"] }
  target    = [target.local.container, target.local.function]
  service "worker" {
    memory = "1Gi"
    hook "migrate" { env = { REGION = each.key } }
  }
  service "worker-us" {
    memory = "2Gi"
    env    = { COMMIT = null }
  }
}
