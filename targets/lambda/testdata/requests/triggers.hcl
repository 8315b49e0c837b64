project = "shop"

service "worker" {
  build "command" {
    run     = ["true"]
    inputs  = ["worker.py"]
    start   = ["python3", "worker.py"]
    runtime = "python3.13"
    base    = "python:3.13-slim"
  }
  health { path = "/healthz" }
  timeout = "20s"

  schedule "nightly" {
    cron     = "0 3 * * 1-5"
    timezone = "Europe/Berlin"
    path     = "/tasks/nightly"
  }
  schedule "hourly" {
    cron = "@hourly"
    path = "/tasks/hourly"
  }

  on "queue" "orders" {
    source = "orders-prod"
    path   = "/events/orders"
    batch  = 100
  }
  on "object" "uploads" {
    source = "shop-uploads"
    path   = "/events/uploads"
    prefix = "in/"
    suffix = ".jpg"
  }
}

target "lambda" "functions" {
  region       = "eu-west-1"
  architecture = "arm64"
  public       = "none"
}

environment "prod" { target = target.lambda.functions }
