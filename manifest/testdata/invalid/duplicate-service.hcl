project = "shop"

service "api" {
  build "go" {}
}

service "web" {
  build "go" {}
}

service "api" { # ERROR: There are two services "api" -> Rename or remove one of the two.
  build "go" {}
}
