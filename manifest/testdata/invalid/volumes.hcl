project = "shop"

service "api" {
  build "go" {}
  volume "a" { path = "data" } # ERROR: Invalid value for "path" -> It is a path inside of the app's files, and begins with a slash. Did you mean "/mnt/data"?
  volume "b" { path = "/" } # ERROR: Invalid value for "path" -> Use a folder of its own, such as "/mnt/data".
  volume "c" { path = "/mnt/c/" } # ERROR: Invalid value for "path" -> Write it in its shortest form: "/mnt/c".
  volume "d" { path = "/mnt/d:ro" } # ERROR: Invalid value for "path" -> It has no control characters, colons or commas.
  volume "e" { path = "/mnt/../etc" } # ERROR: Invalid value for "path" -> Use a folder of its own, such as "/mnt/data".
  volume "f" { path = "/mnt/f" }
  volume "g" { path = "/mnt/f" } # ERROR: Invalid value for "path" -> The volume "f" has the same path. Give each a folder of its own.
  volume "h" { size = "10Gi" } # ERROR: The attribute "path" is missing -> The volume "h" block needs it, for example: path = "/mnt/data"
  volume "i" {
    path = "/mnt/i"
    size = "10GB" # ERROR: Invalid value for "size" -> "10GB" is not an amount of storage. Did you mean "10Gi"?
  }
  volume "j" {
    path = "/mnt/j"
    size = 10 # ERROR: Invalid value for "size" -> Without a unit, 10 is in bytes, which is too little. Did you mean "10Mi"?
  }
  volume "k" {
    path = "/mnt/k"
    size = true # ERROR: "size" has to be an amount of storage -> Write a number with Mi, Gi or Ti (powers of 1024) or M, G or T (powers of 1000),
  }
  volume "Data_1" { path = "/mnt/l" } # ERROR: Invalid volume name "Data_1" -> Use lower-case letters, digits and hyphens, begin with a letter, and do not end 
  volume "m" { mount = "/mnt/m" } # ERROR: Unknown attribute "mount" -> Did you mean "path"? For example: path = "/mnt/data"
  volume "n" { path = "/etc" } # ERROR: Invalid value for "path" -> Use a folder of its own, such as "/mnt/data".
  volume "o" { path = "" } # ERROR: Invalid value for "path" -> It is empty. Use a folder of its own, such as "/mnt/data".
}
