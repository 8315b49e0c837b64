project = "shop"

service "api" {
  build "go" {}
  env = {
    api.host = "x"
    API-KEY  = "x"
    1ST      = "x" # ERROR: An equals sign is missing -> Write name = value. A name with dots or spaces in it stands in quotes.
  }
}
