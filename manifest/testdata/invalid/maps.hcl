project = "shop"

locals {
  regions = { europe = "eu-west-1", asia = "ap-south-1" }
}

service "api" {
  build "go" {}
  env = {
    A = local.regions.eruope # ERROR: There is no such attribute -> Did you mean "europe"?
    B = local.regions["africa"] # ERROR: There is no such element -> It has asia and europe.
    C = local.regions # ERROR: The environment variable "C" has to be a string, number or bool -> It is a map.
  }
}
