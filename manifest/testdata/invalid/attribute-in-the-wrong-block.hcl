port = 8080 # ERROR: Unknown attribute "port" -> It belongs into the block service

service "api" {
  project = "shop" # ERROR: Unknown attribute "project" -> at the top level
  build "go" {}
  path = "/healthz" # ERROR: Unknown attribute "path" -> It belongs into the block health
  min  = 1 # ERROR: Unknown attribute "min" -> It belongs into the block scale
  health {
    memory = "1Gi" # ERROR: Unknown attribute "memory" -> It belongs into a service block
  }
}

project = "shop"
