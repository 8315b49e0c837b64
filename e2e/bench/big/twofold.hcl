project = "bench"

service "big" {
  build "go" {}
  health { path = "/healthz" }
}
