# OPTIONS: --env prod
project = "shop"

service "api" {
  build "static" { binary = "./server" }
  schedule "nightly" {
    cron = "0 3 * * *"
    path = "/nightly"
  }
  hook "migrate" {
    when = "before"
    run  = ["./migrate"]
  }
}

environment "prod" {
  service "api" {
    build "static" { binary = null } # ERROR: Invalid value for "binary" -> It is null, and a value is needed here. For example: binary = "./server"
    schedule "nightly" {
      cron = null # ERROR: Invalid value for "cron" -> It is null, and a value is needed here. For example: cron = "0 3 * * *"
    }
    hook "migrate" {
      run = null # ERROR: Invalid value for "run" -> It is null, and a value is needed here. For example: run = ["./server", "migrate"]
    }
  }
}
