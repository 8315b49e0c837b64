project = 'shop' # ERROR: Single quotes -> double quotes

service "api" {
  build "go" {}
}
