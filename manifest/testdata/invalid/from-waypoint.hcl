project = "shop"

app "web" { # ERROR: Unknown block "app" -> Did you mean "service"?
  build {
    use "docker" {}
    registry {
      use "docker" {
        image = "shop/web"
      }
    }
  }
  deploy {
    use "kubernetes" {}
  }
}
