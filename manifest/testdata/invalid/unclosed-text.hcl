project = "shop # ERROR: A line break in quoted text -> The closing quote

service "api" {
  build "go" {}
}
