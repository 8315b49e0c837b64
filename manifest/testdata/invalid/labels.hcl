project = "shop"

service { # ERROR: The service block has no label -> Its one label says the service's name
  build "go" {}
}

service "api" "blue" { # ERROR: The service block has a label too many -> Its one label
  build "go" {}
}

service "web" {
  build { # ERROR: The build block has no label -> build "go"
  }
  health "web" { # ERROR: The health block takes no label -> Remove it
  }
}
