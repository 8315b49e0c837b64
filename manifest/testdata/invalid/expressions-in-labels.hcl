project = "shop"

service "api-${environment.name}" { # ERROR: A label cannot be computed -> Several alike services come from for_each.
  build "go" {}
}
service "web" {
  build "go" {}
  secret "${upper("token")}" { from = "a" } # ERROR: A label cannot be computed -> Several alike services come from for_each.
}
