project = "shop"

service "api" {
  build "go" {}
  schedule "nightly" {
    cron = 0 3 * * * # ERROR: Something stands behind the value -> If the value is text, put it in quotes; otherwise put what follows on the next l
    path = "/x"
  }
  env = {
    LEVEL: "info"
    OTHER => "x"
  }
}
