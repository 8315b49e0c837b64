project = "shop"

service "a" {
  build "go" {}
  depends_on = ["c"] # ERROR: The service "a" needs itself -> Break it: remove one from depends_on, or one reference to another service's URL 
}

service "b" {
  build "go" {}
  env = {
    LEVEL = "info"
    A_URL = "${service.a.url}/a"
  }
}

service "c" {
  build "go" {}
  depends_on = [service.b]
}

service "d" {
  build "go" {}
  env = { E = service.e.url } # ERROR: The service "d" needs itself -> Break it: remove one from depends_on, or one reference to another service's URL 
}

service "e" {
  build "go" {}
  env = { D = service.d.url }
}
