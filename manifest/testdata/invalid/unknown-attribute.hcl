project = "shop"

service "api" {
  build "go" {}
  prot = 8080 # ERROR: Unknown attribute "prot" -> Did you mean "port"?
  memroy = "1Gi" # ERROR: Unknown attribute "memroy" -> Did you mean "memory"?
  colour = "red" # ERROR: Unknown attribute "colour" -> A service block takes the attributes background, cpu,
}
