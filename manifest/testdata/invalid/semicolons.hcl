project = "shop"; # ERROR: A semicolon -> there is no semicolon

service "api" {
  build "go" {};
}
