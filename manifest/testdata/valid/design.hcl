project = "shop"

variable "log_level" {
  type        = string
  default     = "info"
  description = "Lowest level that is logged."
}

service "api" {
  build "go" {
    package = "./cmd/api"
  }

  port = 8080
  health { path = "/healthz" }

  cpu     = "250m"
  memory  = "512Mi"
  timeout = "30s"
  scale {
    min         = 0
    max         = 20
    concurrency = 50
  }

  env = {
    LOG_LEVEL = var.log_level
  }
}
