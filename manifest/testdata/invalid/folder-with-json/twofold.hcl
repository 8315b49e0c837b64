project = "shop"

service "api" {
  build "go" {}
  env = { WORKER = service.worker.uri } # ERROR: There is no such attribute -> Did you mean "url"?
}
