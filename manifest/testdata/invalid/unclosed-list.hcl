project = "shop"

service "api" {
  build "go" {
    tags = ["a", "b"
  } # ERROR: A comma or a closing bracket is missing -> the list ends with ]
}
