project = "shop"

variable "none" { default = null }

service "api" {
  build "static" { binary = var.none } # ERROR: Invalid value for "binary" -> It is null, and a value is needed here. For example: binary = "./server"
  schedule "a" {
    cron = null # ERROR: Invalid value for "cron" -> It is null, and a value is needed here. For example: cron = "0 3 * * *"
    path = var.none # ERROR: Invalid value for "path" -> It is null, and a value is needed here. For example: path = "/events"
  }
  on "queue" "b" {
    source = null # ERROR: Invalid value for "source" -> It is null, and a value is needed here. For example: source = "orders"
    path   = "/x"
  }
  volume "c" { path = null } # ERROR: Invalid value for "path" -> It is null, and a value is needed here. For example: path = "/mnt/data"
  hook "d" {
    when = var.none # ERROR: Invalid value for "when" -> It is null, and a value is needed here. For example: when = "before"
    run  = null # ERROR: Invalid value for "run" -> It is null, and a value is needed here. For example: run = ["./server", "migrate"]
  }
  secret "E" { from = null } # ERROR: Invalid value for "from" -> It is null, and a value is needed here. For example: from = "shop/database-url"
}
