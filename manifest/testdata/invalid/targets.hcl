project = "shop"

service "api" {
  build "go" {}
  target = target.kubernetes.cluser # ERROR: There is no such attribute -> There is no "target.kubernetes.cluser". Did you mean "cluster"?
}
service "b" {
  build "go" {}
  target = kubernetes.cluster # ERROR: Unknown name "kubernetes" -> Did you mean "target.kubernetes"? Targets are referred to as target.PLUGIN.NAME.
}
service "c" {
  build "go" {}
  target = "cluster" # ERROR: There is no target "cluster" -> Did you mean target.kubernetes.cluster?
}
service "d" {
  build "go" {}
  target = target.kubernetes # ERROR: "target" has to be a target -> The targets are kubernetes.cluster, local.container and local.function.
}
service "e" {
  build "go" {}
  target = [] # ERROR: Invalid value for "target" -> The list is empty. Remove it, or name a target.
}
service "f" {
  build "go" {}
  target = [target.local.container, "local.container"] # ERROR: Invalid value for "target" -> The target local.container is named twice.
}
service "g" {
  build "go" {}
  target = target.lambda.functions # ERROR: There is no target of the plugin "lambda" -> Add one, for example:
}
service "h" {
  build "go" {}
  target "kubernetes" "cluster" {} # ERROR: "target" is an attribute, not a block -> Write it with an equals sign: target = target.local.container
}
service "i" {
  build "go" {}
  target = target.local.containers # ERROR: There is no such attribute -> There is no "target.local.containers". Did you mean "container"?
}

target "kubernetes" "cluster" { context = "shop" }
