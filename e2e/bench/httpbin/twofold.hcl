project = "bench"

service "httpbin" {
  build "go" {}
  health { path = "/status/200" }
}
