project = "shop"

service "worker" {
  for_each = toset(["EU", "us_east", "asia"]) # ERROR: Invalid service name "worker-EU" -> Use lower-case letters, digits and hyphens, begin with a letter, and do not end  # ERROR: Invalid service name "worker-us_east" -> Use lower-case letters, digits and hyphens, begin with a letter, and do not end 
  build "go" {}
}
service "shard" {
  for_each = { "a b" = 1, "" = 2, "a-name-that-is-much-too-long-for-any-platform" = 3 } # ERROR: Invalid service name "shard-" -> Use lower-case letters, digits and hyphens, begin with a letter, and do not end  # ERROR: Invalid service name "shard-a b" -> Use lower-case letters, digits and hyphens, begin with a letter, and do not end  # ERROR: Invalid service name "shard-a-name-that-is-much-too-long-for-any-platform" -> It has 51 characters; at most 40 are allowed, so that platforms can use it as a 
  build "go" {}
}
service "worker-asia" { # ERROR: There are two services "worker-asia" -> Rename one of the two.
  build "go" {}
}
