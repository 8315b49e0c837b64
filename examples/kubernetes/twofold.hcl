project = "shop"

service "catalog" {
  build "go" {
    package = "./cmd/catalog"
    args    = ["--index", "/mnt/index"]
  }

  port = 8080
  health { path = "/ready" }

  cpu    = "250m"
  memory = "512Mi"
  scale {
    min = 1
    max = 1
  }

  env = {
    LOG_LEVEL = "info"
  }
  secret "DATABASE_URL" { from = "catalog/database-url" }

  schedule "reindex" {
    cron     = "30 2 * * *"
    timezone = "Europe/Berlin"
    path     = "/tasks/reindex"
  }

  volume "index" {
    path = "/mnt/index"
    size = "10Gi"
  }
}

target "kubernetes" "cluster" {
  namespace = "shop"
  registry  = "registry.example.com/shop"
}

environment "prod" {
  target = target.kubernetes.cluster
}
