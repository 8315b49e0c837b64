project = "shop"

variable "password" {
  sensitive = true
  default   = "hunter2-secret"
}
variable "tokens" {
  sensitive = true
  type      = map(string)
  default   = { a = "hunter2-a" }
}

locals {
  url = "postgres://shop:${var.password}@db"
}

service "api" {
  build "go" {
    package = "./${var.password}" # ERROR: A sensitive value cannot be used here -> For a password, a secret block is better still: its value is nowhere in the mani
    tags    = [var.password] # ERROR: A sensitive value cannot be used here -> For a password, a secret block is better still: its value is nowhere in the mani
    env     = { TOKEN = var.password } # ERROR: A sensitive value cannot be used here -> For a password, a secret block is better still: its value is nowhere in the mani
  }
  port   = var.password # ERROR: A sensitive value cannot be used here -> For a password, a secret block is better still: its value is nowhere in the mani
  memory = var.password # ERROR: A sensitive value cannot be used here -> For a password, a secret block is better still: its value is nowhere in the mani
  health { path = "/${local.url}" } # ERROR: A sensitive value cannot be used here -> For a password, a secret block is better still: its value is nowhere in the mani
  env = {
    DATABASE_URL     = local.url
    (var.password)   = "x" # ERROR: A sensitive value cannot be used here -> For a password, a secret block is better still: its value is nowhere in the mani
    LENGTH           = length(var.password)
  }
  secret "TOKEN" { from = var.password } # ERROR: A sensitive value cannot be used here -> For a password, a secret block is better still: its value is nowhere in the mani
  schedule "nightly" {
    cron = var.password # ERROR: A sensitive value cannot be used here -> For a password, a secret block is better still: its value is nowhere in the mani
    path = "/nightly"
  }
  hook "migrate" {
    when = "before"
    run  = ["./migrate", local.url] # ERROR: A sensitive value cannot be used here -> For a password, a secret block is better still: its value is nowhere in the mani
    env  = { DATABASE_URL = local.url }
  }
}

service "worker" {
  for_each = var.tokens # ERROR: A sensitive value cannot be used here -> For a password, a secret block is better still: its value is nowhere in the mani
  build "go" {}
}

service "mail" {
  build "go" {}
  env        = var.tokens # ERROR: The names in the map are sensitive -> Write the names out: { TOKEN = var.tokens["TOKEN"] }
  depends_on = [var.password] # ERROR: A sensitive value cannot be used here -> For a password, a secret block is better still: its value is nowhere in the mani
}
