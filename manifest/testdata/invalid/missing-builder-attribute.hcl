project = "shop"

service "api" {
  build "command" { # ERROR: The attribute "run" is missing -> run = ["make", "dist"] # ERROR: The attribute "start" is missing -> start = "./server"
    jobs = 2
  }
}

service "web" {
  build "static" {
    binary = null # ERROR: Invalid value for "binary" -> It is null, and a value is needed here.
  }
}
