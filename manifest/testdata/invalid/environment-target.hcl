# OPTIONS: all
project = "shop"

service "api" {
  build "go" {}
}

environment "staging" {
  target = target.kubernetes.cluster # ERROR: There is no target of the plugin "kubernetes" -> Add one, for example:
}

environment "prod" {
  target "kubernetes" "cluster" {
    context = "prod"
  }
  target = [target.kubernetes.cluser] # ERROR: There is no such attribute -> There is no "target.kubernetes.cluser". Did you mean "cluster"?
}
