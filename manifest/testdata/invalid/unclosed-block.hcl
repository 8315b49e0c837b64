project = "Shop" # ERROR: Invalid project name "Shop"

service "api" { # ERROR: The block is not closed -> The closing brace } is missing.
  build "go" {
    package = "./cmd/api"
  port = 8080
}
