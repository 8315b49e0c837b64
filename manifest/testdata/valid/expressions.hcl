# Everything that expressions do, in one manifest.
variable "level" { default = env("LEVEL") }
variable "empty" { default = env("EMPTY") }
variable "fallback" { default = env("NOT_SET", "x") }
variable "nothing" { default = env("NOT_SET", null) }
variable "replicas" {
  type    = number
  default = env("REPLICAS")
}
variable "object" {
  type    = object({ name = string, size = optional(number, 7) })
  default = { name = "n" }
}
variable "with-hyphen" { default = true }

locals {
  # Used before it is declared, in another block, behind a chain.
  name    = "${local.first}-${var.object.name}"
  regions = { eu = "eu-west-1", asia = "ap-south-1" }
  common  = { COMMON = "yes", REMOVED = "no" }
}

locals {
  first = upper("a")
}

project = lower("SHOP")

service "api" {
  build "go" {
    package   = "./cmd/${lower("API")}"
    tags      = [for t in ["a", "b"] : "tag_${t}"]
    cgo       = "true"
    env       = { GOFLAGS = "-mod=mod", N = 1 }
    base      = "gcr.io/distroless/static"
    platforms = ["linux/arm64", "linux/amd64"]
  }
  port = var.replicas + 8080
  cpu  = 1.5
  memory = "1.5Gi"
  scale { max = var.replicas }
  env = merge(local.common, {
    REMOVED  = null
    LEVEL    = var.level
    EMPTY    = var.empty
    FALLBACK = var.fallback
    NOTHING  = var.nothing
    NUMBER   = 8388608
    FRACTION = 0.5
    BIG      = 12345678901234567890
    BOOL     = var.with-hyphen
    NAME     = local.name
    SIZE     = var.object.size
    REGION   = local.regions["eu"]
    JSON     = jsonencode({ a = [1, true, null] })
    BASE64   = base64decode(base64encode("héllo"))
    SORTED   = join(",", sort(keys(local.regions)))
    TRY      = try(local.regions.africa, "none")
    WHEN     = var.replicas > 2 ? "many" : "few"
    REPLACED = replace("a-b-c", "/[-]/", "_")
    TEMPLATE = "%{for k, v in local.regions}${k}=${v};%{endfor}"
    LITERAL  = "$${not} %%{a} template"
    LINES    = <<-EOT
      two
        lines
    EOT
  })
}

service "job" {
  build "command" {
    run   = ["make", "dist", 3]
    start = "./job"
    jobs  = "4"
  }
  health {
    path  = "/ready?deep=1"
    start = "1m30s"
  }
  memory  = 536870912
  timeout = null
  env     = null
}
