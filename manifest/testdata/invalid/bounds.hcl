project = "shop"

service "api" {
  build "go" {}
  env = {
    D = format("%99999999d", 1) # ERROR: The function failed -> The result would be too big
    E = indent(9999999, "a\nb") # ERROR: The function failed -> too big
    F = join(format("%9000s", "x"), split("", format("%9000s", "x"))) # ERROR: The function failed -> too big
    G = replace(format("%9000s", "x"), " ", format("%9000s", "x")) # ERROR: The function failed -> too big
    H = 1e4000 * 1 # ERROR: The number is out of range -> too big
    I = length(range(5000)) # ERROR: The function failed -> More than 1024 values
    J = jsondecode(join("", [for i in range(200) : "["])) # ERROR: The argument does not fit the function -> nests too deep
    K = pow(10, 100000) # ERROR: The number is infinite
    L = length(setproduct(range(1000), range(1000), range(1000))) # ERROR: The function failed -> too big
  }
}
