project = "shop"

job "shop" { # ERROR: Unknown block "job" -> For what runs at times, add a schedule block to it.
  datacenters = ["dc1"]
  group "web" {
    count = 2
    task "server" {
      driver = "docker"
    }
  }
}

service "web" {
  build "go" {}
  resources { # ERROR: Unknown block "resources" -> cpu and memory are attributes of the service: memory = "512Mi"
    cpu    = 500
    memory = 256
  }
  update { # ERROR: Unknown block "update" -> Remove the block.
    max_parallel = 1
  }
}
