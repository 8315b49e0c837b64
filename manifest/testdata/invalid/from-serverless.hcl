service = "shop" # ERROR: "service" is a block, not an attribute -> Write it without the equals sign:

provider { # ERROR: Unknown block "provider" -> Did you mean "target"?
  name    = "aws"
  runtime = "provided.al2"
  stage   = "prod"
}

functions { # ERROR: Unknown block "functions" -> Each function is a service, and runs as one with target = target.lambda.NAME.
  api {
    handler = "bootstrap"
  }
}

project = "shop"

service "api" {
  handler     = "bootstrap" # ERROR: Unknown attribute "handler" -> An event comes as a POST to the path of its on or schedule block.
  runtime     = "provided.al2" # ERROR: Unknown attribute "runtime" -> The build block says the language: build "go" { package = "." }
  memory_size = 512 # ERROR: Unknown attribute "memory_size" -> Did you mean "memory"? For example: memory = "512Mi"
  timeout     = 30 # ERROR: Invalid value for "timeout" -> "30" is not a duration. Did you mean "30s"?
  build "go" {}

  on "sqs" "orders" { # ERROR: There is no trigger "sqs" -> Did you mean "queue"?
    arn  = "arn:aws:sqs:eu-west-1:1:orders"
    path = "/orders"
  }
  on "schedule" "nightly" { # ERROR: There is no trigger "schedule" -> A schedule is a block of its own:
    rate = "rate(5 minutes)"
  }
  schedule "often" {
    rate = "rate(5 minutes)" # ERROR: Unknown attribute "rate" -> Did you mean "cron"? For example: cron = "0 3 * * *"
    path = "/often"
  }
}
