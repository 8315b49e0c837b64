project = "shop"

variable "url" { default = service.api.url } # ERROR: The default of a variable refers to another value -> Refer to it in the env of another service: env = { API_URL = service.api.url }

locals {
  api = service.api.url # ERROR: A service cannot be referred to here -> Refer to it in the env of another service: env = { API_URL = service.api.url }
}

service "api" {
  build "go" {}
  port = service.worker.url # ERROR: The value is known only after the deploy -> Such values can be used in env.
  env = {
    SELF     = service.api.url # ERROR: The service "api" refers to itself -> Have the app read the Host header of its requests instead.
    UNKNOWN  = service.wroker.url # ERROR: There is no service "wroker" -> Did you mean "service.worker"?
    NO_PART  = service.worker.uri # ERROR: There is no such attribute -> There is no "service.worker.uri". Did you mean "url"?
    NO_PART2 = service.worker.port # ERROR: There is no such attribute -> There is no "service.worker.port". It has name and url.
    WHOLE    = service.worker # ERROR: The environment variable "WHOLE" has to be a string, number or bool -> It is a whole service. Name what you need of it: service.NAME.url or service.NAME.name.
    NOTHING  = service # ERROR: "service" needs a name -> Write service.NAME. The services are api, shard and worker.
    GROUP    = service.shard.url # ERROR: There is no such attribute -> for_each makes several services of "shard". Name one of them: service.shard["eu"].url
    MEMBER   = service.shard["us"].url # ERROR: There is no such element -> There is no "service.shard.us". It has eu.
  }
  hook "warm" {
    when = "after"
    run  = ["curl", service.worker.url] # ERROR: The value is known only after the deploy -> Such values can be used in env.
    env  = { URL = service.worker.url } # ERROR: The value is known only after the deploy -> Put it into the env of the service, which the hook gets as well.
  }
}

service "worker" {
  build "go" {}
}

service "shard" {
  for_each = toset(["eu"])
  build "go" {}
}
