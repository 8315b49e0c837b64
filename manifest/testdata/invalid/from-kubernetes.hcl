apiVersion = "apps/v1" # ERROR: Unknown attribute "apiVersion" -> A manifest has no version. Remove it.
kind       = "Deployment" # ERROR: Unknown attribute "kind" -> A manifest describes services, so there is no kind to name. Remove it.
project    = "shop"

metadata { # ERROR: Unknown block "metadata" -> The name is the label of the service block. Remove the block.
  name = "web"
}

service "web" {
  replicas       = 3 # ERROR: Unknown attribute "replicas" -> Did you mean "scale"?
  container_port = 8080 # ERROR: Unknown attribute "container_port" -> Did you mean "port"? For example: port = 8080
  build "go" {}

  resources { # ERROR: Unknown block "resources" -> cpu and memory are attributes of the service: memory = "512Mi"
    limits {
      memory = "512Mi"
    }
  }
  liveness_probe { # ERROR: Unknown block "liveness_probe" -> Did you mean "health"?
    http_get { path = "/healthz" }
  }
  schedule "nightly" {
    schedule = "0 3 * * *" # ERROR: Unknown attribute "schedule" -> Did you mean "cron"? For example: cron = "0 3 * * *"
    path     = "/nightly"
  }
  volume "data" {
    mount_path = "/mnt/data" # ERROR: Unknown attribute "mount_path" -> Did you mean "path"? For example: path = "/mnt/data"
    storage    = "10Gi" # ERROR: Unknown attribute "storage" -> Did you mean "size"? For example: size = "10Gi"
  }
  service_account = "shop" # ERROR: Unknown attribute "service_account" -> A service block takes the attributes background, cpu, depends_on, domain, env, for_each,
}

target "kubernetes" "cluster" {
  context   = "shop"
  nampespace = "shop" # ERROR: Unknown attribute "nampespace" -> Did you mean "namespace"?
}
