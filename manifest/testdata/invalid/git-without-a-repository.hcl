# OPTIONS: no-git
project = "shop"

service "api" {
  build "go" {}
  env = {
    COMMIT = git.commit # ERROR: git.commit has no value -> Or give the value by a variable.
    BRANCH = git.branch
  }
}
