project = "shop"

environment { # ERROR: The environment block has no label -> Its one label says the environment's name:
  service { memory = "1Gi" }
}
environment "prod" {
  service "api" "b" { memory = "1Gi" } # ERROR: The service block has a label too many -> Its one label says the service's name:
  service "api" {
    schedule { cron = "@daily" } # ERROR: The schedule block has no label -> Its one label says the schedule's name:
    health "x" { path = "/" } # ERROR: The health block takes no label -> Remove it:
    scale "y" { min = 1 } # ERROR: The scale block takes no label -> Remove it:
    on "queue" { batch = 2 } # ERROR: The on block has one label too few -> The first label says what happens, the second the trigger's name:
    volume "a" "b" {} # ERROR: The volume block has a label too many -> Its one label says the volume's name:
    hook {} # ERROR: The hook block has no label -> Its one label says the hook's name:
    secret {} # ERROR: The secret block has no label -> Its one label says the environment variable:
  }
}
variable "x" {
  default = 1
  validation "y" { # ERROR: The validation block takes no label -> Remove it:
    condition     = var.x > 0
    error_message = "Too small."
  }
}
locals "names" { # ERROR: The locals block takes no label -> Remove it:
  a = 1
}

service "api" {
  build "go" {}
}
