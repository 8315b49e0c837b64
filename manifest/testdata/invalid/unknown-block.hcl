project = "shop"

servce "api" { # ERROR: Unknown block "servce" -> Did you mean "service"?
  build "go" {}
}

provider "aws" { # ERROR: Unknown block "provider" -> A manifest takes the attribute project, and the blocks variable, locals and service.
}

service "api" {
  build "go" {}
  helth { # ERROR: Unknown block "helth" -> Did you mean "health"?
    path = "/"
  }
}
