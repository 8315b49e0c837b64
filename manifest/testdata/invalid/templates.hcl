project = "shop"

service "api" {
  build "go" {}
  env = {
    NO_VALUES  = templatefile("config.tpl") # ERROR: An argument of the function is missing -> Function "templatefile" expects 2 arguments. Missing value for "values".
    NO_PORTS   = templatefile("config.tpl", { level = "info" }) # ERROR: The function failed -> It has level.
    MISSPELLED = templatefile("config.tpl", { levle = "info", ports = [] }) # ERROR: The function failed -> Did you mean "levle"?
    NO_MAP     = templatefile("config.tpl", "info") # ERROR: The argument does not fit the function -> The second argument is a map with what the template uses.
    NO_LIST    = templatefile("config.tpl", { level = "info", ports = 3 }) # ERROR: The function failed -> A value of type number cannot be used as the collection in a 'for' expression.
    BROKEN     = templatefile("broken.tpl", { level = "info" }) # ERROR: The function failed -> To write ${ as it is, double the dollar sign: $${.
    MISSING    = templatefile("confg.tpl", {}) # ERROR: The argument does not fit the function -> There is no file "confg.tpl" in the manifest's folder.
    OUTSIDE    = templatefile("../config.tpl", {}) # ERROR: The argument does not fit the function -> Only files of this folder and below can be read, by a relative path.
  }
}
