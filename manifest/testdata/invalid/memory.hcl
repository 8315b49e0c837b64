project = "shop"

service "a" {
  build "go" {}
  memory = "512MB" # ERROR: Invalid value for "memory" -> Did you mean "512Mi"?
}
service "b" {
  build "go" {}
  memory = 512 # ERROR: Invalid value for "memory" -> Did you mean "512Mi"?
}
service "c" {
  build "go" {}
  memory = "512m" # ERROR: Invalid value for "memory" -> The suffix m means thousandths
}
service "d" {
  build "go" {}
  memory = "lots" # ERROR: Invalid value for "memory" -> such as "512Mi"
}
service "e" {
  build "go" {}
  memory = "0" # ERROR: Invalid value for "memory" -> It must be more than zero.
}
service "f" {
  build "go" {}
  memory = "-1Gi" # ERROR: Invalid value for "memory" -> is not an amount of memory
}
service "g" {
  build "go" {}
  memory = true # ERROR: "memory" has to be an amount of memory -> It is the bool true.
}
service "h" {
  build "go" {}
  memory = "999999Pi" # ERROR: Invalid value for "memory" -> more than any machine has
}
service "i" {
  build "go" {}
  memory = "1.00000000001Gi" # ERROR: Invalid value for "memory" -> not a whole number of bytes
}
service "j" {
  build "go" {}
  memory = "" # ERROR: Invalid value for "memory" -> "" is not an amount of memory
}
