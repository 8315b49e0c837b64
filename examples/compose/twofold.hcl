project = "shop"

variable "log_level" {
  type    = string
  default = env("LOG_LEVEL", "info")
}

locals {
  python = {
    PYTHONPATH = "vendor"
    LOG_LEVEL  = var.log_level
  }
}

service "web" {
  build "command" {
    dir     = "app"
    run     = ["pip", "install", "--quiet", "--target", "vendor", "-r", "requirements.txt"]
    inputs  = ["requirements.txt"]
    start   = ["python3", "-m", "gunicorn", "shop:app"]
    runtime = "python3.13"
    base    = "python:3.13-slim"
  }

  port = 8000
  health {
    path  = "/healthz"
    start = "20s"
  }

  cpu    = "500m"
  memory = "512M"
  scale {
    min = 2
    max = 2
  }

  env = merge(local.python, { WORKER_URL = service.worker.url })
  secret "DATABASE_URL" { from = "shop/database-url" }

  schedule "cleanup" {
    cron = "@daily"
    path = "/tasks/cleanup"
  }

  volume "uploads" { path = "/mnt/uploads" }
}

service "worker" {
  build "command" {
    dir     = "app"
    run     = ["pip", "install", "--quiet", "--target", "vendor", "-r", "requirements.txt"]
    inputs  = ["requirements.txt"]
    start   = ["python3", "worker.py"]
    runtime = "python3.13"
    base    = "python:3.13-slim"
  }

  port   = 8000
  memory = "256M"
  health { path = "/healthz" }
  background = true

  env = local.python
  secret "DATABASE_URL" { from = "shop/database-url" }
}

target "docker" "server" {
  host = "ssh://deploy@shop.example.com"
}

environment "prod" {
  target = target.docker.server
}
