# OPTIONS: --var-file prod.vars.hcl
project = "shop"

variable "password" {
  sensitive = true
  type      = number
}
variable "token" { 
  sensitive = true
  type      = string
}
variable "key" { 
  sensitive = true
  default   = ""
}

service "api" {
  build "go" {}
}
