project = "shop"

service "api" {
  build "go" {}
  dynamic "schedule" { # ERROR: Unknown block "dynamic" -> Blocks are written out. Several alike services come from for_each in the service block.
    for_each = toset(["a"])
    content {
      cron = "@daily"
    }
  }
  for_each "x" {} # ERROR: "for_each" is an attribute, not a block -> Write it with an equals sign: for_each = toset(["eu", "us"])
  foreach = toset(["a"]) # ERROR: Unknown attribute "foreach" -> Did you mean "for_each"? For example: for_each = toset(["eu", "us"])
}
