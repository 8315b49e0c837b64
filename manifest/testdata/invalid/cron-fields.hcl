project = "shop"

service "api" {
  build "go" {}
  schedule "few" {
    cron = "0 3 * *" # ERROR: Invalid value for "cron" -> Write five fields: minute, hour, day of the month, month and day of the week, su
    path = "/x"
  }
  schedule "seconds" {
    cron = "0 0 3 * * *" # ERROR: Invalid value for "cron" -> Did you mean "0 3 * * *"?
    path = "/x"
  }
  schedule "hour" {
    cron = "0 24 * * *" # ERROR: Invalid value for "cron" -> The hour is 24, and has to be a number from 0 to 23.
    path = "/x"
  }
  schedule "minute" {
    cron = "60 * * * *" # ERROR: Invalid value for "cron" -> The minute is 60, and has to be a number from 0 to 59.
    path = "/x"
  }
  schedule "day" {
    cron = "0 3 0 * *" # ERROR: Invalid value for "cron" -> The day of the month is 0, and has to be a number from 1 to 31.
    path = "/x"
  }
  schedule "month" {
    cron = "0 3 1 13 *" # ERROR: Invalid value for "cron" -> The month is 13, and has to be a number from 1 to 12, or jan to dec.
    path = "/x"
  }
  schedule "sunday" {
    cron = "0 3 * * 7" # ERROR: Invalid value for "cron" -> The day of the week is 7, which not every target takes for Sunday. Write 0 or sun.
    path = "/x"
  }
  schedule "names" {
    cron = "0 3 * * monday" # ERROR: Invalid value for "cron" -> "monday" is not a day of the week. Use a number from 0 to 6, or sun to sat.
    path = "/x"
  }
  schedule "backwards" {
    cron = "0 3 * * fri-mon" # ERROR: Invalid value for "cron" -> Write two parts with a comma between them.
    path = "/x"
  }
  schedule "step" {
    cron = "*/0 * * * *" # ERROR: Invalid value for "cron" -> The step "0" of the minute is not a number from 1 to 59.
    path = "/x"
  }
  schedule "comma" {
    cron = "0, 3 * * *" # ERROR: Invalid value for "cron" -> Between two parts stands a comma without a space, such as 0,30.
    path = "/x"
  }
  schedule "never" {
    cron = "0 3 30 2 *" # ERROR: Invalid value for "cron" -> There is no such day in any of these months, so it would never run.
    path = "/x"
  }
  schedule "empty" {
    cron = "" # ERROR: Invalid value for "cron" -> Write five fields: minute, hour, day of the month, month and day of the week, su
    path = "/x"
  }
}
