project = "shop"

variable "level" { default = "info" }

service "api" {
  build "go" {}
}

environment "prod" {
  project  = "shop-prod" # ERROR: Unknown attribute "project" -> It belongs outside of the blocks, at the top level of the manifest.
  variable "level" { default = "warn" } # ERROR: Unknown block "variable" -> It belongs outside of the blocks, at the top level of the manifest.
  locals { a = 1 } # ERROR: Unknown block "locals" -> It belongs outside of the blocks, at the top level of the manifest.
  level    = "warn" # ERROR: Unknown attribute "level" -> An environment block takes the attributes target and variables, and the blocks s
  memory   = "1Gi" # ERROR: Unknown attribute "memory" -> It belongs into the block service:
  scale { min = 2 } # ERROR: Unknown block "scale" -> An environment block takes the attributes target and variables, and the blocks s
  env      = { LEVEL = "warn" } # ERROR: Unknown attribute "env" -> Did you mean "service"?
  services "api" { memory = "1Gi" } # ERROR: Unknown block "services" -> Did you mean "service"?
}
