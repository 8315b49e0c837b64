project = "shop"

service "api" {
  build "go" {}
  depends_on = [service.api, "wroker", service.databse, 3, true, target.local.container] # ERROR: The service "api" depends on itself -> Remove it from the list. # ERROR: There is no service "wroker" -> Did you mean "worker"? # ERROR: There is no service "databse" -> The services are api, mail and worker. # ERROR: There is no service "3" -> The services are api, mail and worker. # ERROR: There is no service "true" -> The services are api, mail and worker. # ERROR: There is no service "local.container" -> The services are api, mail and worker.
}

service "worker" {
  build "go" {}
  depends_on = service.api # ERROR: "depends_on" has to be a list of services -> Write the services into brackets: depends_on = [service.db]
}

service "mail" {
  build "go" {}
  depends_on = "api" # ERROR: "depends_on" has to be a list of services -> Write the services into brackets: depends_on = [service.db]
}
