project = "shop"

service "api" {
  build "go" {}
  hook "none" {} # ERROR: The attribute "run" is missing -> The hook "none" block needs it, for example: run = ["./server", "migrate"] # ERROR: The attribute "when" is missing -> The hook "none" block needs it, for example: when = "before"
  hook "when" {
    when = "pre" # ERROR: Invalid value for "when" -> There is no "pre". Did you mean "before"?
    run  = ["./migrate"]
  }
  hook "shell" {
    when = "before"
    run  = "./server migrate && echo done" # ERROR: "run" has to be a list of strings -> Put it into brackets: run = ["sh", "-c", "./server migrate && echo done"]
  }
  hook "empty" {
    when = "before"
    run  = [] # ERROR: Invalid value for "run" -> The command is empty.
  }
  hook "where" {
    when  = "after"
    run   = ["./migrate"]
    where = "local" # ERROR: Invalid value for "where" -> There is no "local". Did you mean "machine"?
  }
  hook "time" {
    when    = "after"
    run     = ["./migrate"]
    timeout = 600 # ERROR: Invalid value for "timeout" -> "600" is not a duration. Did you mean "600s"?
  }
  hook "env" {
    when = "after"
    run  = ["./migrate"]
    env  = { "MY-MODE" = "x", PORT = 1, LIST = [1] } # ERROR: Invalid name "MY-MODE" of an environment variable -> Use letters, digits and underscores, and do not begin with a digit, for example MY_MODE. # ERROR: PORT is set by the port attribute -> The app finds it in $PORT. # ERROR: The environment variable "LIST" has to be a string, number or bool -> It is a list. Turn it into text, for example with jsonencode(...).
  }
  hook "names" {
    stage   = "before" # ERROR: Unknown attribute "stage" -> Did you mean "when"? For example: when = "before"
    command = ["./migrate"] # ERROR: Unknown attribute "command" -> Did you mean "run"? For example: run = ["./server", "migrate"]
  }
  hook "null" {
    when = null # ERROR: Invalid value for "when" -> It is null, and a value is needed here. For example: when = "before"
    run  = ["./migrate", null] # ERROR: "run" has to be a list of strings -> Item 2 is null.
  }
}
