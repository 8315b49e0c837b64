project = "shop"

service "api" {
  build "go" {}
  schedule "aws" {
    cron = "cron(0 3 * * ? *)" # ERROR: Invalid value for "cron" -> This is the form of one platform. Did you mean "0 3 * * *"?
    path = "/x"
  }
  schedule "aws-plain" {
    cron = "0 3 ? * MON-FRI *" # ERROR: Invalid value for "cron" -> Did you mean "0 3 * * MON-FRI"?
    path = "/x"
  }
  schedule "rate" {
    cron = "rate(5 minutes)" # ERROR: Invalid value for "cron" -> This is the form of one platform. Did you mean "*/5 * * * *"?
    path = "/x"
  }
  schedule "rate-odd" {
    cron = "rate(7 minutes)" # ERROR: Invalid value for "cron" -> Write five fields: minute, hour, day of the month, month and day of the week, su
    path = "/x"
  }
  schedule "every" {
    cron = "@every 1h" # ERROR: Invalid value for "cron" -> Write the minutes or hours instead: "*/5 * * * *" is every five minutes, "0 */2 
    path = "/x"
  }
  schedule "reboot" {
    cron = "@reboot" # ERROR: Invalid value for "cron" -> Use a hook for what is done once with each deploy.
    path = "/x"
  }
  schedule "form" {
    cron = "@Daily" # ERROR: Invalid value for "cron" -> Did you mean "@daily"?
    path = "/x"
  }
  schedule "form-typo" {
    cron = "@dayly" # ERROR: Invalid value for "cron" -> Did you mean "@daily"?
    path = "/x"
  }
  schedule "last" {
    cron = "0 3 L * *" # ERROR: Invalid value for "cron" -> Use numbers, *, -, / and commas.
    path = "/x"
  }
  schedule "nth" {
    cron = "0 3 * * 1#2" # ERROR: Invalid value for "cron" -> Use numbers, *, -, / and commas.
    path = "/x"
  }
  schedule "zone" {
    cron = "TZ=Europe/Berlin 0 3 * * *" # ERROR: Invalid value for "cron" -> The time zone has an attribute of its own: timezone. Write the five fields without it.
    path = "/x"
  }
  schedule "words" {
    cron = "every 5 minutes" # ERROR: Invalid value for "cron" -> Write five fields: minute, hour, day of the month, month and day of the week, su
    path = "/x"
  }
}
