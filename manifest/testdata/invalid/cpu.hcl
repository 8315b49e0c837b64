project = "shop"

service "a" {
  build "go" {}
  cpu = "1 core" # ERROR: Invalid value for "cpu" -> thousandths of a core, such as "250m"
}
service "b" {
  build "go" {}
  cpu = "0.0001" # ERROR: Invalid value for "cpu" -> finer than a thousandth
}
service "c" {
  build "go" {}
  cpu = 0 # ERROR: Invalid value for "cpu" -> more than zero
}
service "d" {
  build "go" {}
  cpu = "2Gi" # ERROR: Invalid value for "cpu" -> not an amount of CPU
}
service "e" {
  build "go" {}
  cpu = "99999999" # ERROR: Invalid value for "cpu" -> more than any machine has
}
