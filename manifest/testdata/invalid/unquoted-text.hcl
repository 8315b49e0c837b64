project = "Shop" # ERROR: Invalid project name "Shop"

service "api" {
  build "go" {}
  timeout = 30s # ERROR: Quotes are missing -> Did you mean "30s"?
}
