project = "shop"

service "api" {
  build "go" {}
  schedule = "0 3 * * *" # ERROR: "schedule" is a block, not an attribute -> Write it without the equals sign:
  on       = "queue" # ERROR: "on" is a block, not an attribute -> Write it without the equals sign:
  secret   = { TOKEN = "token" } # ERROR: "secret" is a block, not an attribute -> Write it without the equals sign:
  volume   = "/data" # ERROR: "volume" is a block, not an attribute -> Write it without the equals sign:
  hook     = ["./migrate"] # ERROR: "hook" is a block, not an attribute -> Write it without the equals sign:
}
service "worker" {
  build "go" {}
  schedules "nightly" { cron = "@daily" } # ERROR: Unknown block "schedules" -> Did you mean "schedule"?
  cron "nightly" { schedule = "@daily" } # ERROR: Unknown block "cron" -> Did you mean "schedule"?
  volumes { data = "/mnt/data" } # ERROR: Unknown block "volumes" -> Did you mean "volume"?
  secrets = ["TOKEN"] # ERROR: Unknown attribute "secrets" -> Did you mean "secret"?
}
