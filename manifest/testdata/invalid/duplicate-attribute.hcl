project = "shop"

service "api" {
  build "go" {
    package = "./a"
    package = "./b" # ERROR: The attribute "package" is set twice -> Remove one
  }
  port = 80
  cpu  = "1"
  port = 81 # ERROR: The attribute "port" is set twice -> Remove one
}

project = "store" # ERROR: The attribute "project" is set twice -> Remove one
