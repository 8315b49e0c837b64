project = "shop"

servce "api" { # ERROR: Unknown block "servce" -> Did you mean "service"?
  build "go" {}
}

provider "aws" { # ERROR: Unknown block "provider" -> Did you mean "target"?
}

service "api" {
  build "go" {}
  helth { # ERROR: Unknown block "helth" -> Did you mean "health"?
    path = "/"
  }
}
