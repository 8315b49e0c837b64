project = "httpbin"

service "httpbin" {
  build "go" {
    package = "github.com/mccutchen/go-httpbin/v2/cmd/go-httpbin"
  }

  port = 8080
  health { path = "/status/200" }

  memory  = "128Mi"
  timeout = "30s"
  scale { max = 8 }

  env = {
    MAX_BODY_SIZE        = "8388608" # more than a function takes, to show what happens
    HTTPBIN_ENV_GREETING = "hello"
  }
}
