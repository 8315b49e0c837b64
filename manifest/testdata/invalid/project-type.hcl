project = ["shop"] # ERROR: "project" has to be a string -> It is a list. For example: project = "shop"

service "api" {
  build "go" {}
}
