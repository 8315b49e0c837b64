# Somebody who writes Terraform all day.
terraform { # ERROR: Unknown block "terraform" -> A manifest needs no version and no state. Remove the block.
  required_version = ">= 1.5"
}

provider "aws" { # ERROR: Unknown block "provider" -> Did you mean "target"?
  region = "eu-west-1"
}

project = "shop"

variable "region" {
  type     = string
  default  = "eu-west-1"
  nullable = false # ERROR: Unknown attribute "nullable" -> A variable block takes the attributes default, description, sensitive and type, 
}

resource "aws_lambda_function" "api" { # ERROR: Unknown block "resource" -> What runs is a service block; an existing database or queue is named by a secret
  memory_size = 512
}

module "network" { # ERROR: Unknown block "module" -> All *.hcl files of the manifest's folder are one manifest, and for_each makes se
  source = "./network"
}

data "aws_caller_identity" "current" {} # ERROR: Unknown block "data" -> Nothing is looked up on platforms. Give the value by a variable.

output "url" { # ERROR: Unknown block "output" -> twofold deploy and twofold status answer with the URLs of all services. Remove the block.
  value = service.api.url
}

service "api" {
  count = 2 # ERROR: Unknown attribute "count" -> Did you mean "for_each"? For example: for_each = toset(["eu", "us"])
  build "go" {}
  env = {
    ENVIRONMENT = terraform.workspace # ERROR: Unknown name "terraform" -> Did you mean "environment"?
    CONFIG      = file("${path.module}/motd.txt") # ERROR: Unknown name "path" -> Paths are relative to the manifest's folder, so they need nothing before them.
    ACCOUNT     = data.aws_caller_identity.current.account_id # ERROR: Unknown name "data" -> Nothing is looked up on platforms. Give the value by a variable.
    NETWORK     = module.network.id # ERROR: Unknown name "module" -> There are no modules. All *.hcl files of the manifest's folder are one manifest.
    INDEX       = count.index # ERROR: Unknown name "count" -> The services that for_each makes use each.key and each.value.
  }
  lifecycle { # ERROR: Unknown block "lifecycle" -> Remove the block.
    create_before_destroy = true
  }
}
