# A service whose label is wrong is still known to the others.
project = "shop"

service "worker" {
  for_each = ["a", "b"] # ERROR: "for_each" has to be a map or a set of strings -> Write toset([...]) around a list of strings.
  build "go" {}
}
service "api" {
  build "go" {}
  env        = { A = service.worker["a"].url }
  depends_on = [service.worker, "worker-a"]
  memory     = "x" # ERROR: Invalid value for "memory" -> Write a number with Mi or Gi (powers of 1024) or M or G (powers of 1000), such a
}
environment "prod" {
  service "worker-a" { memory = "1Gi" }
}
