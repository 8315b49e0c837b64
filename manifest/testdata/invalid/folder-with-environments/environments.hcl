environment "prod" {
  service "worker" {
    memory = "1Gi"
    scale { min = 9 } # ERROR: min is more than max -> At least 9 and at most 3 instances cannot be. Raise max or lower min.
  }
  service "apii" { memory = "1Gi" } # ERROR: There is no service "apii" -> An environment overrides services that exist outside of it. Did you mean "api"?
}
