project = "shop"

service "api" {
  build "command" {
    run     = ["true"]
    inputs  = ["server.js"]
    start   = ["node", "server.js"]
    runtime = "nodejs24.x"
    base    = "node:24-slim"
  }
  health { path = "/healthz" }
}

target "lambda" "functions" {
  region       = "eu-west-1"
  architecture = "arm64"
  public       = "api"
}

environment "prod" { target = target.lambda.functions }
