project = "shop"

service "api" {
  build "go" {
    pakage    = "./cmd/api" # ERROR: Unknown attribute "pakage" -> Did you mean "package"?
    package   = true # ERROR: "package" has to be a string -> It is the bool true. For example: package = "./cmd/api"
    tags      = "netgo" # ERROR: "tags" has to be a list of strings -> tags = ["netgo"]
    cgo       = "maybe" # ERROR: "cgo" has to be true or false -> the string "maybe"
    env       = { A = ["x"] } # ERROR: "env" has to be a map of strings -> "A" in it is a list.
    platforms = ["linux/amd64", "arm64", "windows/amd64", "linux/amd64"] # ERROR: Invalid value for "platforms" -> Did you mean "linux/arm64"? # ERROR: Invalid value for "platforms" -> Did you mean "linux/amd64"? # ERROR: Invalid value for "platforms" -> is named twice
    base      = "" # ERROR: Invalid value for "base" -> the reference of an image
  }
}

service "web" {
  build "command" {
    run   = ["make", true] # ERROR: "run" has to be a list of strings -> Item 2 is the bool true.
    start = ["./server"] # ERROR: "start" has to be a string -> It is a list.
    jobs  = 1.5 # ERROR: "jobs" has to be a whole number -> the number 1.5
    extra {} # ERROR: Unknown block "extra" -> A build block takes the attributes
  }
}
