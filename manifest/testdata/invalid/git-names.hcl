project = "shop"

service "api" {
  build "go" {}
  env = {
    COMMIT = git.comit # ERROR: There is no git.comit -> Did you mean "git.commit"?
    SHA    = git.sha # ERROR: There is no git.sha -> It has branch, commit, dirty and tag.
    ALL    = git # ERROR: "git" needs a name -> Write git.NAME. It has branch, commit, dirty and tag.
    PART   = git.commit.short # ERROR: There is no such attribute -> It is the string "0123456789abcdef0123456789abcdef01234567", and has nothing inside.
  }
}
