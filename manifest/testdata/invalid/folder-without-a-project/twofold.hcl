service "api" {
  build "go" {}
}
