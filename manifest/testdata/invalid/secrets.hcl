project = "shop"

service "api" {
  build "go" {}
  env = { DATABASE_URL = "postgres://localhost" }
  secret "DATABASE_URL" { from = "shop/database-url" } # ERROR: "DATABASE_URL" is both a secret and in env -> An environment variable has one value. Remove one of the two.
  secret "database-url" { from = "shop/database-url" } # ERROR: Invalid name "database-url" of an environment variable -> Use letters, digits and underscores, and do not begin with a digit, for example 
  secret "PORT" { from = "shop/port" } # ERROR: PORT is set by the port attribute -> The app finds it in $PORT.
  secret "EMPTY" { from = "" } # ERROR: Invalid value for "from" -> It is the secret's name in the target's own store, such as "shop/database-url".
  secret "NULL" { from = null } # ERROR: Invalid value for "from" -> It is null, and a value is needed here. For example: from = "shop/database-url"
  secret "MISSING" {} # ERROR: The attribute "from" is missing -> The secret "MISSING" block needs it, for example: from = "shop/database-url"
  secret "VALUE" { value = "hunter2" } # ERROR: The attribute "from" is missing -> The secret "VALUE" block needs it, for example: from = "shop/database-url" # ERROR: Unknown attribute "value" -> A secret block takes the attribute from.
  secret "TWICE" { from = "a" }
  secret "TWICE" { from = "b" } # ERROR: There are two secrets "TWICE" -> Rename or remove one of the two.
  secret { from = "a" } # ERROR: The secret block has no label -> Its one label says the environment variable:
  secret "KEY" {
    from    = "a"
    version = 3 # ERROR: Unknown attribute "version" -> A secret block takes the attribute from.
  }
}
secret "OUTSIDE" { from = "a" } # ERROR: Unknown block "secret" -> A manifest takes the attribute project, and the blocks variable, locals, service
