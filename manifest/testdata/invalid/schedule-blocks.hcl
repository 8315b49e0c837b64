project = "shop"

service "api" {
  build "go" {}
  schedule "nothing" {} # ERROR: The attribute "cron" is missing -> The schedule "nothing" block needs it, for example: cron = "0 3 * * *" # ERROR: The attribute "path" is missing -> The schedule "nothing" block needs it, for example: path = "/events"
  schedule "path" {
    cron = "@daily"
    path = "tasks/nightly" # ERROR: Invalid value for "path" -> A path begins with a slash. Did you mean "/tasks/nightly"?
  }
  schedule "url" {
    cron = "@daily"
    path = "https://shop.example.com/tasks" # ERROR: Invalid value for "path" -> A path begins with a slash. Did you mean "/tasks"?
  }
  schedule { # ERROR: The schedule block has no label -> Its one label says the schedule's name:
    cron = "@daily"
    path = "/x"
  }
  schedule "Nightly Task" { # ERROR: Invalid schedule name "Nightly Task" -> Use lower-case letters, digits and hyphens, begin with a letter, and do not end 
    cron = "@daily"
    path = "/x"
  }
  schedule "twice" {
    cron = "@daily"
    path = "/x"
  }
  schedule "twice" { # ERROR: There are two schedules "twice" -> Rename or remove one of the two.
    cron = "@hourly"
    path = "/x"
  }
  schedule "targets" {
    cron   = "@daily"
    path   = "/x"
    target = [target.local.container, target.local.function] # ERROR: Invalid value for "target" -> Name one, such as target.local.function.
  }
  schedule "number" {
    cron    = 5 # ERROR: Invalid value for "cron" -> Write five fields: minute, hour, day of the month, month and day of the week, su
    path    = "/x"
    enabled = "sometimes" # ERROR: "enabled" has to be true or false -> It is the string "sometimes". For example: enabled = true
  }
}
schedule "outside" { # ERROR: Unknown block "schedule" -> A manifest takes the attribute project, and the blocks variable, locals, service
  cron = "@daily"
}
