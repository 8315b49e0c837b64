project = “shop” # ERROR: Curly quotes -> straight double quotes

service "api" {
  build "go" {}
}
