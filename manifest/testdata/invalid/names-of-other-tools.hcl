project = "shop"

service "api" {
  build "golang" { # ERROR: There is no builder "golang" -> Did you mean "go"?
  }
  environment = { # ERROR: Unknown attribute "environment" -> Did you mean "env"?
    A = "1"
  }
  replicas = 3 # ERROR: Unknown attribute "replicas" -> Did you mean "scale"?
  ports    = ["80:80"] # ERROR: Unknown attribute "ports" -> Did you mean "port"?
  healthcheck { # ERROR: Unknown block "healthcheck" -> Did you mean "health"?
    test = "curl"
  }
}
