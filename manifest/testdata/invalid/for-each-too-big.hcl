project = "shop"

service "worker" {
  for_each = toset([for n in range(1000) : "n${n}-${n}"])
  build "go" {}
}
service "shard" {
  for_each = toset(formatlist("s%d", range(1000, 1020)))
  build "go" {}
}
service "huge" {
  for_each = toset([for n in setproduct(range(200), range(200)) : "x${n[0]}-${n[1]}"]) # ERROR: Too many services -> for_each makes 40000 of them here; a manifest has at most 10000.
  build "go" {}
}
service "million" {
  for_each = toset(range(1000000)) # ERROR: The function failed -> More than 1024 values were generated; either decrease the difference between sta
  build "go" {}
}
