project = "shop"

service "api" {
  build "go" { package = "." }
  domain = "shop.example.com"
  target = target.lambda.functions
}

service "web" {
  build "go" { package = "." }
  domain = "shop.example.com" # ERROR: The services "api" and "web" have the same domain -> Give each a host name of its own.
  target = target.lambda.functions
}

service "elsewhere" {
  build "go" { package = "." }
  domain = "shop.example.com"
  target = target.docker.host
}

target "lambda" "functions" {
  region = "eu-west-1"
}

target "docker" "host" {
}
