# What both forms of the apps in this folder are asked.

request "a greeting" {
  path          = "/greeting"
  expect_status = 200
}
request "its head" {
  method        = "HEAD"
  path          = "/greeting"
  expect_status = 200
}
request "a query" {
  path          = "/echo/some%20words/%C3%BC?a=1&a=2&b=%26&empty="
  expect_status = 200
}
request "json" {
  method        = "POST"
  path          = "/echo"
  headers       = { "Content-Type" = "application/json" }
  body          = "{\"a\": [1, 2.5, \"ü\"]}"
  expect_status = 200
}
request "a form" {
  method        = "PUT"
  path          = "/echo"
  headers       = { "Content-Type" = "application/x-www-form-urlencoded" }
  body          = "a=1&b=two+words&c=%C3%BC"
  expect_status = 200
}
request "bytes to the app" {
  method        = "POST"
  path          = "/echo"
  headers       = { "Content-Type" = "application/octet-stream" }
  body_base64   = "AAEC/v8NCgAA"
  expect_status = 200
}
request "cookies to the app" {
  path          = "/echo"
  headers       = { "Cookie" = "a=1; b=two" }
  expect_status = 200
}
request "no body" {
  method        = "DELETE"
  path          = "/echo/one"
  expect_status = 200
}
request "cookies" {
  path          = "/cookies"
  expect_status = 200
}
request "nothing" {
  path          = "/empty"
  expect_status = 204
}
request "elsewhere" {
  path          = "/there"
  expect_status = 303
}
request "bytes" {
  path          = "/bytes"
  expect_status = 200
}
request "in parts" {
  path          = "/parts"
  expect_status = 200
}
request "a failure" {
  path          = "/fails"
  expect_status = 503
}
request "what is not there" {
  path          = "/nothing"
  expect_status = 404
}
