project = null # ERROR: Invalid value for "project" -> It is null

service "api" {
  build "go" {}
}
