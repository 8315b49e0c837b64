project = "shop"

service "api" { # ERROR: The service "api" has no build block -> The builders are command, go and static.
  port = 8080
}
