project = "shop"

service "api" {
  build "go" {}
  on "queue" "orders" {
    source = "" # ERROR: Invalid value for "source" -> It is empty. It names what the events come from.
    path   = "/orders"
    batch  = 0 # ERROR: Invalid value for "batch" -> It is 0, and has to be from 1 to 10000.
  }
  on "queue" "mails" {
    queue      = "mails" # ERROR: Unknown attribute "queue" -> Did you mean "source"? For example: source = "orders"
    path       = "mails" # ERROR: Invalid value for "path" -> A path begins with a slash. Did you mean "/mails"?
    batch_size = 10 # ERROR: Unknown attribute "batch_size" -> Did you mean "batch"? For example: batch = 10
  }
  on "queue" "modes" {
    source     = "x"
    path       = "/x"
    batch      = "ten" # ERROR: "batch" has to be a whole number -> It is the string "ten". For example: batch = 10
    batch_mode = "all" # ERROR: Invalid value for "batch_mode" -> There is no "all". Did you mean "whole"?
  }
  on "queue" "prefix" {
    source = "x"
    path   = "/x"
    prefix = "a/" # ERROR: Unknown attribute "prefix" -> An on block takes the attributes batch, batch_mode, enabled, path, source and target.
  }
  on "queue" { # ERROR: The on block has one label too few -> The first label says what happens, the second the trigger's name:
    source = "x"
  }
  on "queue" "a" "b" { # ERROR: The on block has a label too many -> The first label says what happens, the second the trigger's name:
    source = "x"
  }
  on "topic" "a" { # ERROR: There is no trigger "topic" -> The kinds are object and queue.
    source = "x"
  }
  on "Queue" "a" { # ERROR: There is no trigger "Queue" -> Did you mean "queue"?
    source = "x"
  }
  on "http" "a" { # ERROR: There is no trigger "http" -> The kinds are object and queue.
    path = "/x"
  }
}
