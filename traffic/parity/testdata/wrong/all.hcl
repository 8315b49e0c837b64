may_differ_headers = ["X Y"]
may_differ_jsn     = ["a"]
may_differ_json    = ["a..b"]
may_differ_lines   = [""]

request "one" {
  path = "get"
}
request "one" {
  path   = "/a b"
  method = "GE T"
}
request "two" {
  metod = "GET"
  path  = "/a#b"
  body  = "x"
  json  = { a = 1 }
}
request "three" {
  method  = "POST"
  path    = "/"
  times   = 0
  timeout = "soon"
  headers = {
    "Content-Length" = "3"
    "X-Line"         = "a\nb"
    "Te"             = ["x", "y"]
    "Fine"           = ["a", "b"]
  }
  expect_status = 20
  body_base64   = "%%"
}
request "four" {
  path      = "/"
  body_file = "not-there.bin"
  expect_difference {
    in     = ["header:X", "headers:X"]
    reason = ""
  }
  expect_difference {
    in = "status"
  }
}
request "five" {
  path = "/${unknown}"
  body_random = { bytes = 100000000000 }
}
request "six" {
  path    = null
  headers = "X: y"
  form    = { a = { b = 1 } }
}
