service "worker" {
  build "go" {}
  depends_on = [service.apii] # ERROR: There is no service "apii" -> Did you mean "service.api"?
}
# ERROR FILE: The attribute "project" is missing -> The manifest needs it, for example: project = "shop"
