# OPTIONS: --env prod
project = "shop"

variable "log_level" {
  type        = string
  default     = "info"
  description = "Lowest level that is logged."
}

service "api" {
  build "go" {
    package = "./cmd/api"
  }

  port = 8080
  health { path = "/healthz" }

  cpu     = "250m"
  memory  = "512Mi"
  timeout = "30s"
  scale {
    min         = 0
    max         = 20
    concurrency = 50
  }

  env = {
    LOG_LEVEL = var.log_level
  }
  secret "DATABASE_URL" { from = "shop/database-url" }

  schedule "nightly" {
    cron = "0 3 * * *"
    path = "/tasks/nightly"
  }
  on "queue" "orders" {
    source = "orders"
    path   = "/events/orders"
    batch  = 10
  }
  on "object" "uploads" {
    source = "shop-uploads"
    path   = "/events/uploads"
  }

  volume "data" { path = "/mnt/data" }
}

target "kubernetes" "cluster" {
  context   = "shop-prod"
  namespace = "shop"
}

target "lambda" "functions" {
  region       = "eu-west-1"
  architecture = "arm64"
}

environment "prod" {
  variables = { log_level = "warn" }

  service "api" {
    target = target.kubernetes.cluster
    scale { min = 2 }
    schedule "nightly" { target = target.lambda.functions } # the cron task of the container runs as a function
  }
}
