project = "shop" # ERROR: The attribute "project" is set twice -> Remove one of the two.

service "worker" {
  build "go" {}
}
service "api" { # ERROR: There are two services "api" -> Rename or remove one of the two.
  build "go" {}
}
variable "level" { default = "info" }
