project = "shop"

service "a" {
  build "go" {}
  port = 70000 # ERROR: Invalid value for "port" -> It is 70000, and has to be from 1 to 65535.
}
service "b" {
  build "go" {}
  port = 0 # ERROR: Invalid value for "port" -> from 1 to 65535
}
service "c" {
  build "go" {}
  port = "http" # ERROR: "port" has to be a whole number -> It is the string "http". For example: port = 8080
}
service "d" {
  build "go" {}
  port = 80.5 # ERROR: "port" has to be a whole number -> It is the number 80.5
}
service "e" {
  build "go" {}
  port = [80] # ERROR: "port" has to be a whole number -> It is a list
}
service "f" {
  build "go" {}
  port = 1e30 # ERROR: "port" has to be a whole number -> the number 1000000000000000000000000000000
}
