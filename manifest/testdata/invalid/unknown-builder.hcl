project = "shop"

service "a" {
  build "gp" {} # ERROR: There is no builder "gp" -> Did you mean "go"?
}
service "b" {
  build "node" {} # ERROR: There is no builder "node" -> It comes with a later version.
}
service "c" {
  build "fortran" {} # ERROR: There is no builder "fortran" -> The builders are command, go and static.
}
service "d" {
  build "binary" {} # ERROR: There is no builder "binary" -> Did you mean "static"?
}
