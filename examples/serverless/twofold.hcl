project = "orders"

variable "log_level" {
  type    = string
  default = "info"
}

service "api" {
  build "command" {
    run     = ["npm", "run", "build"]
    output  = "dist"
    inputs  = ["src", "package.json", "package-lock.json"]
    start   = ["node", "server.js"]
    runtime = "nodejs22.x"
    base    = "node:22-slim"
  }

  health { path = "/healthz" }
  memory  = "512Mi"
  timeout = "120s"

  env = {
    STAGE     = environment.name
    LOG_LEVEL = var.log_level
  }
  secret "DATABASE_URL" { from = "orders/${environment.name}/database-url" }

  schedule "report" {
    cron = "0 6 * * *"
    path = "/tasks/report"
  }

  on "queue" "orders" {
    source = "orders-${environment.name}"
    path   = "/events/orders"
    batch  = 10
  }
}

target "lambda" "functions" {
  region             = "eu-west-1"
  architecture       = "arm64"
  log_retention_days = 30
}

environment "dev" {
  target = target.lambda.functions
}

environment "prod" {
  variables = { log_level = "warn" }
  target    = target.lambda.functions
}
