project = "shop"

service "api" {
  build "go" {
    schedule "nightly" { # ERROR: Unknown block "schedule" -> A build block takes the attributes base, cgo, env, main, package, platforms and 
      cron = "@daily"
      path = "/x"
    }
  }
  health {
    path     = "/healthz"
    timezone = "UTC" # ERROR: Unknown attribute "timezone" -> A health block takes the attributes path and start.
  }
  service "inner" { # ERROR: Unknown block "service" -> It belongs outside of the blocks, at the top level of the manifest.
    build "go" {}
  }
  variable "x" {} # ERROR: Unknown block "variable" -> It belongs outside of the blocks, at the top level of the manifest.
  environment "prod" { # ERROR: Unknown block "environment" -> It belongs outside of the blocks, at the top level of the manifest.
    memory = "1Gi"
  }
  project = "x" # ERROR: Unknown attribute "project" -> It belongs outside of the blocks, at the top level of the manifest.
  cron    = "@daily" # ERROR: Unknown attribute "cron" -> Did you mean "schedule"?
  batch   = 10 # ERROR: Unknown attribute "batch" -> A service block takes the attributes background, cpu, depends_on, domain, env, for_each,
  size    = "10Gi" # ERROR: Unknown attribute "size" -> It belongs into the block volume:
}
