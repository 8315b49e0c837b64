project = "shop"

service "api" {
  build "go" {}
  background = "yes" # ERROR: "background" has to be true or false -> It is the string "yes". For example: background = true
  timeout    = "5 minutes" # ERROR: Invalid value for "timeout" -> "5 minutes" is not a duration. Did you mean "5m"?
  cpu        = "0.5 cores" # ERROR: Invalid value for "cpu" -> Write cores, such as "0.5" or "2", or thousandths of a core, such as "250m".
  memory     = "512 MB" # ERROR: Invalid value for "memory" -> "512 MB" is not an amount of memory. Did you mean "512Mi"?
  health { start = 30 } # ERROR: Invalid value for "start" -> "30" is not a duration. Did you mean "30s"?
  scale {
    min = "1-3" # ERROR: "min" has to be a whole number -> It is the string "1-3". For example: min = 1
    max = 0 # ERROR: Invalid value for "max" -> It is 0, and has to be from 1 to 100000.
  }
  hook "x" {
    when    = "before"
    run     = ["x"]
    timeout = "1 day" # ERROR: Invalid value for "timeout" -> "1 day" is not a duration. Did you mean "24h"?
  }
}
