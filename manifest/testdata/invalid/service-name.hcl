project = "shop"

service "Web_API" { # ERROR: Invalid service name "Web_API" -> for example "web-api"
  build "go" {}
}
service "2nd" { # ERROR: Invalid service name "2nd" -> begin with a letter
  build "go" {}
}
service "api-" { # ERROR: Invalid service name "api-" -> for example "api"
  build "go" {}
}
service "" { # ERROR: Invalid service name "" -> A name is wanted
  build "go" {}
}
service "äpi" { # ERROR: Invalid service name "äpi" -> lower-case letters
  build "go" {}
}
service "a-name-that-goes-on-and-on-until-it-is-too-long" { # ERROR: Invalid service name "a-name-that-goes-on-and-on-until-it-is-too-long" -> at most 40
  build "go" {}
}
