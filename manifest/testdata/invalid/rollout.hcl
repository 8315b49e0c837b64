project = "shop"

service "api" {
  build "go" {}
  domain = "https://API.example.com/v1" # ERROR: Invalid value for "domain" -> Did you mean "api.example.com"?

  deploy {
    steps      = [5, 5] # ERROR: Invalid value for "steps" -> not more than the 5% before it
    max_errors = "many" # ERROR: Invalid value for "max_errors" -> is no percentage
  }
}

service "web" {
  build "go" {}
  domain = "localhost" # ERROR: Invalid value for "domain" -> without https://

  deploy {
    strategy = "blue-green" # ERROR: Invalid value for "strategy" -> all-at-once and canary
    steps    = ["10%", "100%"] # ERROR: Invalid value for "steps" -> from 1% to 99%
    wait     = "soon" # ERROR: Invalid value for "wait" -> is not a duration
  }
}

service "worker" {
  build "go" {}

  deploy {
    strategy   = "all-at-once"
    steps      = [10] # ERROR: Invalid value for "steps" -> has no steps
    max_errors = "101%" # ERROR: Invalid value for "max_errors" -> more than 100%
  }
  deploy {} # ERROR: There are two deploy blocks -> at most one
}

service "other" {
  build "go" {}

  deploy { steps = ["2.5%"] } # ERROR: Invalid value for "steps" -> no whole percentage
}
