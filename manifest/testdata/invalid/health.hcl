project = "shop"

service "a" {
  build "go" {}
  health {
    path = "healthz" # ERROR: Invalid value for "path" -> Did you mean "/healthz"?
    start = 5 # ERROR: Invalid value for "start" -> Did you mean "5s"?
  }
}
service "b" {
  build "go" {}
  health {
    path = "http://localhost:8080/healthz" # ERROR: Invalid value for "path" -> Did you mean "/healthz"?
  }
}
service "c" {
  build "go" {}
  health {
    path = "/is it up" # ERROR: Invalid value for "path" -> a space as %20
    interval = "5s" # ERROR: Unknown attribute "interval" -> A health block takes the attributes path and start.
  }
}
