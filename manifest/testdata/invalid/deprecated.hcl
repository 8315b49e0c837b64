project = "shop"

service "api" {
  build "go" {
    main = "./cmd/api" # WARNING: The attribute "main" is deprecated -> Use "package" instead.
  }
  prot = 1 # ERROR: Unknown attribute "prot"
}
