project = "shop"

service "api" # ERROR: The opening brace is missing -> stands on the line of the block
{
  build "go" {}
}
