project = "shop"

service "web" {
  build "command" {
    run     = ["npm", "ci", "--omit=dev", "--no-audit", "--no-fund"]
    inputs  = ["package.json", "package-lock.json"]
    start   = ["node", "server.js"]
    runtime = "nodejs24.x"
    base    = "node:24-slim"
  }
  health { path = "/healthz" }
  timeout = "10s"
  env = {
    GREETING = "hello"
    NODE_ENV = "production"
  }
}
