project = "shop"

service "worker" {
  for_each = { eu = { memory = "512Mi" }, us = { memory = "1GB" } }
  build "go" {}
  memory = each.value.memory # ERROR: Invalid value for "memory" -> "1GB" is not an amount of memory. Did you mean "1Gi"?
  env = {
    REGION = each.name # ERROR: There is no each.name -> It has key and value.
    CPU    = each.value.cpu # ERROR: There is no such attribute -> "cpu" is not in the map. It has memory.
    KEY    = each # ERROR: "each" needs a name -> Write each.NAME. It has key and value.
  }
}

service "api" {
  build "go" {}
  env = {
    KEY    = each.key # ERROR: "each" is for services with for_each -> Add for_each to the service block, or use a variable or a local value.
    WORKER = service.worker.asia.url # ERROR: There is no such attribute -> There is no "service.worker.asia". It has eu and us.
    ONE    = service.worker-eu.url # ERROR: There is no service "worker-eu" -> It is one of those that for_each makes. Write service.worker["eu"].
  }
  depends_on = ["worker-asia"] # ERROR: There is no service "worker-asia" -> The services are api, worker-eu and worker-us.
}
