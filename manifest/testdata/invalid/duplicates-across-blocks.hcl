project = "shop"

service "api" {
  build "go" {}
  health { path = "/a" }
  health { path = "/b" } # ERROR: There are two health blocks -> A service block takes at most one. Put everything into one block.
  volume "data" { path = "/mnt/a" }
  volume "data" { path = "/mnt/b" } # ERROR: There are two volumes "data" -> Rename or remove one of the two.
  hook "x" {
    when = "before"
    run  = ["a"]
  }
  hook "x" { # ERROR: There are two hooks "x" -> Rename or remove one of the two.
    when = "after"
    run  = ["a"]
  }
  on "queue" "x" {
    source = "x"
    path   = "/x"
  }
  on "queue" "x" { # ERROR: There are two triggers "queue" "x" -> Rename or remove one of the two.
    source = "y"
    path   = "/x"
  }
  on "object" "x" {
    source = "y"
    path   = "/x"
  }
}
locals { a = 1 }
locals { a = 2 } # ERROR: The local value "a" is set twice -> Remove one of the two.
environment "prod" {
  service "api" { memory = "1Gi" }
  service "api" { cpu = "1" } # ERROR: There are two services "api" -> Rename or remove one of the two.
  variables = {}
  variables = {} # ERROR: The attribute "variables" is set twice -> Remove one of the two.
}
environment "prod" {} # ERROR: There are two environments "prod" -> Rename or remove one of the two.
project = "again" # ERROR: The attribute "project" is set twice -> Remove one of the two.
