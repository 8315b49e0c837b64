# A Compose file, written as HCL.
version = "3.8" # ERROR: Unknown attribute "version" -> A manifest has no version. Remove it.

services { # ERROR: Unknown block "services" -> Did you mean "service"?
  web {
    image = "shop"
  }
}

project = "shop"

service "web" {
  image      = "ghcr.io/shop/web" # ERROR: Unknown attribute "image" -> Did you mean "build"?
  ports      = ["8080:8080"] # ERROR: Unknown attribute "ports" -> Did you mean "port"? For example: port = 8080
  volumes    = ["data:/data"] # ERROR: Unknown attribute "volumes" -> Did you mean "volume"?
  command    = ["./server"] # ERROR: Unknown attribute "command" -> The build block says what starts: the builder "command" has the attribute start.
  restart    = "always" # ERROR: Unknown attribute "restart" -> An instance that ends is always started again. Remove it.
  mem_limit  = "512m" # ERROR: Unknown attribute "mem_limit" -> Did you mean "memory"? For example: memory = "512Mi"
  cpus       = 0.5 # ERROR: Unknown attribute "cpus" -> Did you mean "cpu"? For example: cpu = "250m"
  depends_on = { db = { condition = "service_healthy" } } # ERROR: "depends_on" has to be a list of services -> Write the services into brackets: depends_on = [service.db]
  environment = { # ERROR: Unknown attribute "environment" -> Did you mean "env"? For example: env = { LOG_LEVEL = "info" }
    LEVEL = "info"
  }
  healthcheck { # ERROR: Unknown block "healthcheck" -> Did you mean "health"?
    test = ["CMD", "curl", "localhost"]
  }
  build "go" {}
}
