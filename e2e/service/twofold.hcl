project = "scripts"

service "api" {
  build "go" {
    package = "."
  }

  health { path = "/healthz" }

  memory  = "128Mi"
  timeout = "2s"

  env = {
    GREETING = "hello"
  }
}
