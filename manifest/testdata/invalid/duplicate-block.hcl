project = "shop"

service "api" {
  build "go" {}
  build "static" { # ERROR: There are two build blocks -> A service block takes at most one
    binary = "./server"
  }
  health {}
  health { # ERROR: There are two health blocks
    path = "/"
  }
}
