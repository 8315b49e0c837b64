project = "shop"

service "a" {
  build "go" {}
  scale {
    max = 2
    min = 5 # ERROR: min is more than max -> Raise max or lower min.
  }
}
service "b" {
  build "go" {}
  scale {
    min = -1 # ERROR: Invalid value for "min" -> from 0 to 100000
    max = 0 # ERROR: Invalid value for "max" -> from 1 to 100000
    concurrency = "many" # ERROR: "concurrency" has to be a whole number -> the string "many"
    maximum = 4 # ERROR: Unknown attribute "maximum" -> Did you mean "max"?
  }
}
