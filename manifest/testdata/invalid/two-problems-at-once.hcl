project = "shop"

service "api" {
  build "go" {
    pakage = "./cmd/api" # ERROR: Unknown attribute "pakage"
  }
}

service "web" {
  build "go" {}
  port = = 8080 # ERROR: A value is wanted here
  cpu = "250x"
}

service "job" {
  memory == "1Gi" # ERROR: Two equals signs -> Write memory = value.
}
