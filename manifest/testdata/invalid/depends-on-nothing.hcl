project = "shop"

service "api" {
  build "go" {}
  depends_on = [database] # ERROR: Unknown name "database" -> Values are referred to as var.NAME and local.NAME.
  needs      = ["db"] # ERROR: Unknown attribute "needs" -> Did you mean "depends_on"? For example: depends_on = [service.db]
}
service "web" {
  build "go" {}
  depends_on = [service.api.url, "service.api", null] # ERROR: "depends_on" has to be a list of services -> This item is null. Write it as service.NAME.
}
