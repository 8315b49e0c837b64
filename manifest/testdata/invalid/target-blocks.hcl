project = "shop"

target "kubernets" "a" {} # ERROR: There is no plugin "kubernets" -> Did you mean "kubernetes"?
target "aws" "b" {} # ERROR: There is no plugin "aws" -> Did you mean "lambda"?
target "ecs" "c" {} # ERROR: There is no plugin "ecs" -> It comes with a later version. The plugins are docker, kubernetes and lambda.
target "local" "container" {} # ERROR: There is no plugin "local" -> The targets target.local.container and target.local.function always exist, and n
target "kubernetes" {} # ERROR: The target block has one label too few -> The first label says the kind of target, the second the target's name:
target "lambda" "functions" "eu" {} # ERROR: The target block has a label too many -> The first label says the kind of target, the second the target's name:
target "lambda" "Functions" {} # ERROR: Invalid target name "Functions" -> Use lower-case letters, digits and hyphens, begin with a letter, and do not end 
target "lambda" "twice" {}
target "lambda" "twice" {} # ERROR: There are two targets "lambda" "twice" -> Rename or remove one of the two.
target "kubernetes" "no-context" {} # ERROR: The attribute "context" is missing -> The target "kubernetes" "no-context" block needs it, for example: context = "shop-prod"
target "lambda" "settings" {
  regoin       = "eu-west-1" # ERROR: Unknown attribute "regoin" -> Did you mean "region"?
  architecture = "arm" # ERROR: Invalid value for "architecture" -> There is no "arm". The choices are arm64 and x86_64.
  memory       = "512Mi" # ERROR: Unknown attribute "memory" -> A target block takes the attributes architecture and region.
}
targets { # ERROR: Unknown block "targets" -> Did you mean "target"?
  a = 1
}

service "api" {
  build "go" {}
}
