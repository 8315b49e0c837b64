project = "shop"

service "api" {
  build "go" {}
}

environment "Prod" {} # ERROR: Invalid environment name "Prod" -> Use lower-case letters, digits and hyphens, begin with a letter, and do not end 
environment "staging_eu" {} # ERROR: Invalid environment name "staging_eu" -> Use lower-case letters, digits and hyphens, begin with a letter, and do not end 
environment {} # ERROR: The environment block has no label -> Its one label says the environment's name:
environment "prod" "eu" {} # ERROR: The environment block has a label too many -> Its one label says the environment's name:
environment prod {}
environment "prod" {} # ERROR: There are two environments "prod" -> Rename or remove one of the two.
