project = "shop"

service "a" {
  build "go" {}
  timeout = 30 # ERROR: Invalid value for "timeout" -> Did you mean "30s"?
}
service "b" {
  build "go" {}
  timeout = "5 minutes" # ERROR: Invalid value for "timeout" -> Did you mean "5m"?
}
service "c" {
  build "go" {}
  timeout = "1d" # ERROR: Invalid value for "timeout" -> Did you mean "24h"?
}
service "d" {
  build "go" {}
  timeout = "-3s" # ERROR: Invalid value for "timeout" -> more than zero
}
service "e" {
  build "go" {}
  timeout = "soon" # ERROR: Invalid value for "timeout" -> such as "30s"
}
service "f" {
  build "go" {}
  timeout = { s = 3 } # ERROR: "timeout" has to be a duration -> It is a map.
}
