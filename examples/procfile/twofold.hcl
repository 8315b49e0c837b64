project = "blog"

locals {
  python = {
    PYTHONPATH       = "vendor"
    PYTHONUNBUFFERED = "1"
  }
}

service "web" {
  build "command" {
    run     = ["pip", "install", "--quiet", "--target", "vendor", "-r", "requirements.txt"]
    inputs  = ["requirements.txt"]
    start   = ["python3", "-m", "gunicorn", "blog:app", "--workers", "2"]
    runtime = "python3.13"
    base    = "python:3.13-slim"
  }

  health { path = "/healthz" }
  memory  = "512Mi"
  timeout = "30s"

  env = local.python
  secret "DATABASE_URL" { from = "blog/database-url" }

  hook "release" {
    when = "before"
    run  = ["python3", "manage.py", "migrate"]
  }
}

service "worker" {
  build "command" {
    run     = ["pip", "install", "--quiet", "--target", "vendor", "-r", "requirements.txt"]
    inputs  = ["requirements.txt"]
    start   = ["python3", "worker.py"]
    runtime = "python3.13"
    base    = "python:3.13-slim"
  }

  health { path = "/healthz" }
  memory     = "512Mi"
  background = true
  depends_on = [service.web]

  env = local.python
  secret "DATABASE_URL" { from = "blog/database-url" }
}

target "kubernetes" "cluster" {
  namespace = "blog"
}

environment "prod" {
  target = target.kubernetes.cluster
}
