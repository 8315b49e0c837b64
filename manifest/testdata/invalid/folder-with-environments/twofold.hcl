# OPTIONS: all
project = "shop"

service "api" {
  build "go" {}
}
service "worker" {
  build "go" {}
  scale { max = 3 }
}
