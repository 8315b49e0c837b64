project = "shop"

service "api" {
  build "go" {}
  domain = "api.example.com"
  deploy {
    steps      = [5, "25%"]
    wait       = "5m"
    max_errors = "0.5%"
  }
}

service "web" {
  build "go" {}
  deploy { strategy = "canary" }
}

service "worker" {
  build "go" {}
  deploy { strategy = "all-at-once" }
}
