project = "shop"

variable "level" { default = 1 }
variable "level" { default = 2 } # ERROR: There are two variables "level" -> Rename or remove

locals {
  a = 1
}

locals {
  a = 2 # ERROR: The local value "a" is set twice
}

service "api" {
  build "go" {}
}
