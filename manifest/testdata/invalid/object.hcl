project = "shop"

service "api" {
  build "go" {}
  on "object" "uploads" {
    source = "uploads"
    path   = "/uploads"
    events = ["s3:ObjectCreated:*"] # ERROR: Invalid value for "events" -> There is no "s3:ObjectCreated:*". Did you mean "created"?
  }
  on "object" "none" {
    source = "uploads"
    path   = "/uploads"
    events = [] # ERROR: Invalid value for "events" -> The list is empty. The choices are created and removed.
  }
  on "object" "text" {
    source = "uploads"
    path   = "/uploads"
    events = "created" # ERROR: "events" has to be a list of strings -> It is the string "created". Put it into brackets: events = ["created"]
  }
  on "object" "typo" {
    source = "uploads"
    path   = "/uploads"
    events = ["created", "deleted", "remove"] # ERROR: Invalid value for "events" -> There is no "deleted". Did you mean "removed"? # ERROR: Invalid value for "events" -> There is no "remove". Did you mean "removed"?
  }
  on "object" "batch" {
    bucket = "uploads" # ERROR: Unknown attribute "bucket" -> Did you mean "source"? For example: source = "shop-uploads"
    path   = "/uploads"
    batch  = 10 # ERROR: Unknown attribute "batch" -> An on block takes the attributes enabled, events, path, prefix, source, suffix and target.
  }
  on "s3" "bucket" { # ERROR: There is no trigger "s3" -> Did you mean "object"?
    source = "uploads"
    path   = "/uploads"
  }
}
