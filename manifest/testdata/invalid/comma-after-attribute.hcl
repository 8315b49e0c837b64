project = "shop", # ERROR: A comma behind the value -> there is no comma between them

service "api" {
  build "go" {}
}
