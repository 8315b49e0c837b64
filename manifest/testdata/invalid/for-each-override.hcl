# OPTIONS: --env prod
project = "shop"

service "worker" {
  for_each = toset(["eu", "us"])
  build "go" {}
}

environment "prod" {
  service "worker-eu" {
    for_each = toset(["a"]) # ERROR: for_each cannot be set here -> Override for_each in service "worker".
    memory   = "1Gi"
  }
  service "worker-asia" { # ERROR: There is no service "worker-asia" -> The services are worker-eu and worker-us.
    memory = "1Gi"
  }
}
