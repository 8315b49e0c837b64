project = "shop"

service "api" {
  build "go" {}
  schedule "city" {
    cron     = "@daily"
    path     = "/x"
    timezone = "Berlin" # ERROR: Invalid value for "timezone" -> There is no time zone "Berlin". Did you mean "Europe/Berlin"?
  }
  schedule "case" {
    cron     = "@daily"
    path     = "/x"
    timezone = "europe/berlin" # ERROR: Invalid value for "timezone" -> There is no time zone "europe/berlin". Did you mean "Europe/Berlin"?
  }
  schedule "offset" {
    cron     = "@daily"
    path     = "/x"
    timezone = "+02:00" # ERROR: Invalid value for "timezone" -> Use an IANA name such as "UTC", "Europe/Berlin" or "America/New_York".
  }
  schedule "short" {
    cron     = "@daily"
    path     = "/x"
    timezone = "PST" # ERROR: Invalid value for "timezone" -> There is no time zone "PST". Did you mean "America/Los_Angeles"?
  }
  schedule "local" {
    cron     = "@daily"
    path     = "/x"
    timezone = "Local" # ERROR: Invalid value for "timezone" -> Use an IANA name such as "UTC", "Europe/Berlin" or "America/New_York".
  }
  schedule "space" {
    cron     = "@daily"
    path     = "/x"
    timezone = "America/New York" # ERROR: Invalid value for "timezone" -> There is no time zone "America/New York". Did you mean "America/New_York"?
  }
  schedule "empty" {
    cron     = "@daily"
    path     = "/x"
    timezone = "" # ERROR: Invalid value for "timezone" -> Use an IANA name such as "UTC", "Europe/Berlin" or "America/New_York".
  }
  schedule "file" {
    cron     = "@daily"
    path     = "/x"
    timezone = "../../etc/passwd" # ERROR: Invalid value for "timezone" -> Use an IANA name such as "UTC", "Europe/Berlin" or "America/New_York".
  }
  schedule "name" {
    cron = "@daily"
    path = "/x"
    tz   = "UTC" # ERROR: Unknown attribute "tz" -> Did you mean "timezone"? For example: timezone = "Europe/Berlin"
  }
}
