project = "shop"

service "api" {
  build "go" {}
  env = {
    # ERROR NEXT: The text is not closed -> A line with only EOT ends it.
    TEXT = <<EOT
never ends
  }
}
