project = "shop"

service "api" {
  build "go" {}
  env = {
    A = "x" + 1 # ERROR: The operator does not fit the value
    B = "a ${["b"]} c" # ERROR: The value does not fit into text
    C = [1, 2][5] # ERROR: There is no such element
    D = true ? 1 : "x"
    E = "yes" ? 1 : 2 # ERROR: The condition is not true or false
    F = [for x in 3 : x] # ERROR: The value is neither a list nor a map
    G = { a = 1 }.b # ERROR: There is no such attribute
    H = -"x" # ERROR: The operator does not fit the value
    I = 1 / 0 # ERROR: The number is infinite -> division by zero
  }
}
