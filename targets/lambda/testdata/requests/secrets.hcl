project = "shop"

service "api" {
  build "command" {
    run     = ["true"]
    inputs  = ["app.py"]
    start   = ["python3", "app.py"]
    runtime = "python3.13"
    base    = "python:3.13-slim"
  }
  health { path = "/healthz" }

  secret "DATABASE_URL" { from = "shop/database#url" }
  secret "TOKEN" { from = "ssm:/shop/token" }
}

target "lambda" "functions" {
  region             = "eu-west-1"
  architecture       = "arm64"
  secrets_refresh    = "15m"
  log_retention_days = 14
}

environment "prod" { target = target.lambda.functions }
