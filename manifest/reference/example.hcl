project = "shop"

variable "log_level" {
  type        = string
  default     = "info"
  description = "The lowest level that is logged."
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
  scale { max = 20 }

  env = {
    LOG_LEVEL = var.log_level
    VERSION   = git.commit
  }
  secret "DATABASE_URL" { from = "shop/database-url" }

  hook "migrate" {
    when = "before"
    run  = ["./server", "migrate"]
  }

  schedule "nightly" {
    cron = "0 3 * * *"
    path = "/tasks/nightly"
  }

  on "queue" "orders" {
    source = "orders"
    path   = "/events/orders"
  }
}

service "web" {
  build "command" {
    run     = ["npm", "run", "build"]
    output  = "dist"
    start   = ["node", "server.js"]
    runtime = "nodejs24.x"
    base    = "node:24-slim"
  }

  env = {
    API_URL = service.api.url
  }
}

target "kubernetes" "cluster" {
  context   = "shop-prod"
  namespace = "shop"
}

target "lambda" "functions" {
  region = "eu-west-1"
}

environment "staging" {
  target = target.lambda.functions
}

environment "prod" {
  variables = { log_level = "warn" }
  target    = target.kubernetes.cluster

  service "api" {
    scale { min = 2 }
    schedule "nightly" { target = target.lambda.functions }
    on "queue" "orders" { target = target.lambda.functions }
  }
}
