project = "shop"

service "api" {
  build "go" {}
  env = {
    DATABASE_URL = secret.DATABASE_URL # ERROR: Unknown name "secret" -> It is a block in the service, and the app finds its value in the environment var
    TOKEN        = secrets["TOKEN"] # ERROR: Unknown name "secrets" -> It is a block in the service, and the app finds its value in the environment var
    HOME         = env.HOME # ERROR: Unknown name "env" -> The name of the environment is environment.name.
    ENV          = environment # ERROR: "environment" needs a name -> Write environment.NAME. It has name.
    NAME         = environment.nam # ERROR: There is no environment.nam -> Did you mean "environment.name"?
    PROJECT      = project # ERROR: "project" needs a name -> Write project.NAME. It has name.
  }
}
