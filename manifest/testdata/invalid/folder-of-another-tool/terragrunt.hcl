include "root" { # ERROR: Unknown block "include" -> A manifest takes the attribute project, and the blocks variable, locals, service
  path = find_in_parent_folders()
}
inputs = { # ERROR: Unknown attribute "inputs" -> A manifest takes the attribute project, and the blocks variable, locals, service
  region = "eu-west-1"
}
