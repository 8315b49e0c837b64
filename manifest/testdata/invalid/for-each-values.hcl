project = "shop"

service "list" {
  for_each = ["eu", "us"] # ERROR: "for_each" has to be a map or a set of strings -> Write toset([...]) around a list of strings.
  build "go" {}
}
service "number" {
  for_each = 3 # ERROR: "for_each" has to be a map or a set of strings -> For a number of alike instances of one service use scale; for several services n
  build "go" {}
}
service "text" {
  for_each = "eu" # ERROR: "for_each" has to be a map or a set of strings -> A map or a set of strings is wanted, so that each service has a name that stays.
  build "go" {}
}
service "null" {
  for_each = toset(["a", null]) # ERROR: Invalid value for "for_each" -> One of its items is null. Remove it, or use compact([...]) for a list with gaps.
  build "go" {}
}
service "numbers" {
  for_each = toset([1, 2]) # ERROR: "for_each" has to be a map or a set of strings -> Write toset([...]) around a list of strings.
  build "go" {}
}
service "urls" {
  for_each = { a = service.list.url } # ERROR: A service cannot be referred to here -> Refer to it in the env of another service: env = { API_URL = service.api.url }
  build "go" {}
}
service "self" {
  for_each = toset([each.key]) # ERROR: "each" is for services with for_each -> Add for_each to the service block, or use a variable or a local value.
  build "go" {}
}
