project = "shop"

target "lambda" "functions" { # ERROR: "target" is not supported yet in this version -> The language has targets
  region = "eu-west-1"
}

environment "prod" { # ERROR: "environment" is not supported yet in this version
  service "api" {}
}

service "api" {
  build "go" {}
  secret "DATABASE_URL" { # ERROR: "secret" is not supported yet in this version -> Remove "secret" for now.
    from = "shop/database-url"
  }
  schedule "nightly" { # ERROR: "schedule" is not supported yet in this version
    cron = "0 3 * * *"
  }
  on "queue" "orders" { # ERROR: "on" is not supported yet in this version -> event triggers
    source = "orders"
  }
  volume "data" { # ERROR: "volume" is not supported yet in this version
    path = "/mnt/data"
  }
  hook "migrate" {} # ERROR: "hook" is not supported yet in this version
  depends_on = ["db"] # ERROR: "depends_on" is not supported yet in this version
  for_each   = ["a"] # ERROR: "for_each" is not supported yet in this version
  target     = target.lambda.functions # ERROR: "target" is not supported yet in this version
  env = {
    COMMIT = git.commit # ERROR: "git" is not supported yet in this version
    CERT   = file("cert.pem") # ERROR: The function "file" is not supported yet in this version
  }
}

variable "password" {
  default   = ""
  sensitive = true # ERROR: "sensitive" is not supported yet in this version
}
