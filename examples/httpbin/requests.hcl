# What both forms of httpbin are asked by "twofold parity". The file's language
# is described in docs/parity.md.
#
# httpbin repeats the headers that it gets. A function gets one more than a
# container: the platform's trace id. The first request expects it as a
# difference, with its reason; the others leave it out.
may_differ_json = [
  "headers.X-Amzn-Trace-Id",
  "[*].headers.X-Amzn-Trace-Id", # in an answer of several JSON values
]
may_differ_lines = ["X-Amzn-Trace-Id:"] # the same in a text

request "what the app sees of a request" {
  path = "/headers"
  expect_difference {
    in     = "json:headers.X-Amzn-Trace-Id"
    reason = "the platform adds the id of its trace to each request"
  }
}

# Methods.

request "get" {
  path          = "/get"
  expect_status = 200
}
request "head" {
  method = "HEAD"
  path   = "/html"
}
request "head of json" {
  method = "HEAD"
  path   = "/json"
}
request "head of an image" {
  method = "HEAD"
  path   = "/image/png"
}
request "head of what is missing" {
  method        = "HEAD"
  path          = "/nothing/here"
  expect_status = 404
}
request "post" {
  method        = "POST"
  path          = "/post"
  headers       = { "Content-Type" = "text/plain; charset=utf-8" }
  body          = "a line\nand another, with ümläuts and 漢字\n"
  expect_status = 200
}
request "put" {
  method  = "PUT"
  path    = "/put"
  headers = { "Content-Type" = "text/plain" }
  body    = "put"
}
request "patch" {
  method  = "PATCH"
  path    = "/patch"
  headers = { "Content-Type" = "text/plain" }
  body    = "patch"
}
request "delete without a body" {
  method = "DELETE"
  path   = "/delete"
}
request "delete with a body" {
  method = "DELETE"
  path   = "/delete?why=test"
  json   = { ids = [1, 2, 3] }
}
request "options, as a browser asks" {
  method = "OPTIONS"
  path   = "/anything"
  headers = {
    "Origin"                         = "https://shop.example"
    "Access-Control-Request-Method"  = "PATCH"
    "Access-Control-Request-Headers" = "content-type,x-token"
  }
  expect_difference {
    in     = "header:Content-Type"
    reason = "the platform gives application/json to an answer that has no type"
  }
}
request "an own method" {
  method        = "PURGE"
  path          = "/anything/cache"
  expect_status = 200
}
request "method not allowed" {
  method        = "POST"
  path          = "/get"
  expect_status = 405
}

# Query strings.

request "query with plus and %20" {
  path = "/get?a=one+two&b=one%20two&c=1%2B1"
}
request "query with %2F and signs" {
  path = "/get?path=%2Fetc%2Fpasswd&sum=1%2B1%3D2&pair=a%26b&hash=%23"
}
request "query with repeats, in order" {
  path = "/get?tag=c&tag=a&other=1&tag=b&tag=a"
}
request "query with empty values" {
  path = "/get?empty=&bare&=nameless&&last="
}
request "query in unicode" {
  path = "/get?q=%E6%BC%A2%E5%AD%97&emoji=%F0%9F%98%80&raw=caf%c3%a9"
}
request "query with bytes that are no text" {
  path = "/dump/request?b=%ff%00%fe"
}
request "query as the app got it" {
  path = "/dump/request?z=1&a=%2f%2F&a=+&a=%20&b=[1]&c={x}&d='|'&e=a,b;c"
}
request "query that is only a mark" {
  path = "/anything?"
  expect_difference {
    in     = "json:url"
    reason = "an event has an empty query string for both, a lone question mark and none"
  }
}
request "long query" {
  path = "/get?${join("&", [for i in range(400) : "parameter${i}=${i * i}"])}"
}

# Paths.

request "path with %2F" {
  path = "/anything/a%2Fb/c%2fd"
}
request "path with a space and a plus" {
  path = "/anything/one%20two+three"
}
request "path in unicode" {
  path = "/anything/stra%C3%9Fe/%E6%BC%A2%E5%AD%97/%F0%9F%98%80"
}
request "path with signs" {
  path = "/anything/;v=1,2/a:b@c/$&'()*+,=!~"
}
request "path with an escaped percent" {
  path = "/anything/100%25/%2525"
}
request "path with dots" {
  path          = "/anything/a/../b/./c"
  expect_status = 307
}
request "path with two slashes" {
  path          = "/anything//a///b"
  expect_status = 307
}
request "path with escaped dots" {
  path = "/anything/%2e%2e/x%2E"
}
request "path that is not there" {
  path          = "/nothing/here?at=all"
  expect_status = 404
}
request "base64 in a path" {
  path = "/base64/aGVsbG8gd29ybGQsIMO8YmVyYWxs"
}

# Bodies with text in them.

request "json" {
  path = "/post"
  json = {
    text   = "quotes \" and \\ and \n and \u0000 and 漢字"
    number = 12345678901234567890
    real   = 0.1
    list   = [true, false, null, [], {}]
    nested = { a = { b = { c = "deep" } } }
  }
}
request "json that is broken" {
  method        = "POST"
  path          = "/post"
  headers       = { "Content-Type" = "application/json" }
  body          = "{\"open\": "
  expect_status = 400
}
request "form" {
  path = "/post"
  form = {
    name  = "Jane Doe"
    sum   = "1+1=2 & more"
    tag   = ["b", "a", "b"]
    empty = ""
    city  = "Zürich 漢字"
  }
}
request "form, put and with a charset" {
  method  = "PUT"
  path    = "/put?also=query"
  headers = { "Content-Type" = "application/x-www-form-urlencoded; charset=UTF-8" }
  form    = { a = "1" }
}
request "form with files" {
  path = "/post"
  part "comment" { body = "two files come with this" }
  part "notes" {
    filename     = "notes ü.txt"
    content_type = "text/plain"
    body         = "first\r\nsecond\r\n"
  }
  part "picture" {
    filename     = "pixel.gif"
    content_type = "image/gif"
    body_base64  = "R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7"
  }
}
request "empty body, with a length" {
  method = "POST"
  path   = "/post"
}
request "body without a content type" {
  method = "POST"
  path   = "/post"
  body   = "what is this"
}
request "body of a get" {
  method  = "GET"
  path    = "/anything/get-with-body"
  headers = { "Content-Type" = "text/plain" }
  body    = "unusual, and allowed"
}
request "text that is no utf-8" {
  method      = "POST"
  path        = "/post"
  headers     = { "Content-Type" = "text/csv; charset=iso-8859-1" }
  body_base64 = "bmFtZTtjaXR5CkrDpG5lO1r8cmljaAo="
}

# Binary bodies, both ways.

request "1 MB up" {
  method        = "POST"
  path          = "/post"
  headers       = { "Content-Type" = "application/octet-stream" }
  body_random   = { bytes = 1048576, seed = 7 }
  expect_status = 200
}
request "1 MB down" {
  path          = "/bytes/1048576?seed=7"
  expect_status = 200
}
request "1 MB of text up" {
  method  = "PUT"
  path    = "/upload"
  headers = { "Content-Type" = "text/plain" }
  body    = join(join(" and a word\n", range(100)), range(800))
}
request "1 byte up" {
  method      = "POST"
  path        = "/post"
  headers     = { "Content-Type" = "application/octet-stream" }
  body_base64 = "AA=="
}
request "1 MB in a multipart form" {
  path = "/upload"
  part "file" {
    filename     = "random.bin"
    content_type = "application/octet-stream"
    body_random  = { bytes = 1048576, seed = 8 }
  }
}
request "a gzipped body" {
  method        = "POST"
  path          = "/post"
  headers       = { "Content-Type" = "application/json", "Content-Encoding" = "gzip" }
  body_base64   = "H4sIAAAAAAAC/6tWylOyUlDKSM3JyVeqBQAnHpTtDwAAAA=="
  expect_status = 400 # httpbin does not decode it, and says so alike
}
request "chunked body" {
  method      = "POST"
  path        = "/upload"
  headers     = { "Content-Type" = "application/octet-stream" }
  body_random = { bytes = 100000, seed = 9 }
  chunked     = true
  expect_difference {
    in     = ["json:headers.Transfer-Encoding", "json:headers.Content-Length"]
    reason = "the platform reads a request whole and hands it on with its length; chunks do not reach a function"
  }
}
request "body over the app's own limit" {
  method      = "POST"
  path        = "/post"
  headers     = { "Content-Type" = "text/plain" }
  body_random = { bytes = 8400000, seed = 10 }
  expect_difference {
    in     = "answer"
    reason = "a function takes at most 6 MB, and its platform refuses more before the app sees it"
  }
}
request "5 MB up, binary" {
  method      = "PUT"
  path        = "/upload"
  headers     = { "Content-Type" = "application/octet-stream" }
  body_random = { bytes = 5000000, seed = 11 }
  expect_difference {
    in     = "answer"
    reason = "a function takes at most 6 MB, and binary bodies count as base64, a third more"
  }
}
request "5 MB down, binary" {
  path = "/bytes/5000000?seed=11"
  expect_difference {
    in     = "answer"
    reason = "a function answers with at most 6 MB, and binary bodies count as base64, a third more"
  }
}

# What answers look like.

request "gzip" {
  path    = "/gzip"
  headers = { "Accept-Encoding" = "gzip" }
}
request "deflate" {
  path    = "/deflate"
  headers = { "Accept-Encoding" = "gzip, deflate" }
}
request "html" {
  path = "/html"
}
request "json file" {
  path = "/json"
}
request "xml" {
  path = "/xml"
}
request "robots.txt" {
  path = "/robots.txt"
}
request "every script there is" {
  path = "/encoding/utf8"
}
request "png" {
  path = "/image/png"
}
request "jpeg" {
  path = "/image/jpeg"
}
request "svg" {
  path = "/image/svg"
}
request "webp, by the accept header" {
  path    = "/image"
  headers = { "Accept" = "image/webp" }
}
request "image of no kind that is there" {
  path          = "/image"
  headers       = { "Accept" = "image/tiff" }
  expect_status = 415
}
request "a page of links" {
  path = "/links/10/3"
}
request "the home page" {
  path = "/"
}
request "an id that is new each time" {
  path            = "/uuid"
  may_differ_json = ["uuid"]
}
request "the deployment's environment" {
  path          = "/env"
  expect_status = 200
}
request "the client's address" {
  path = "/ip"
}
request "a user agent" {
  path    = "/user-agent"
  headers = { "User-Agent" = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0" }
}

# Headers.

request "request headers of all sorts" {
  path = "/headers"
  headers = {
    "Accept"          = "text/html,application/xhtml+xml;q=0.9,*/*;q=0.8"
    "Accept-Language" = "de-CH, de;q=0.9, en;q=0.1"
    "Referer"         = "https://shop.example/a?b=c"
    "X-Empty"         = ""
    "X-Forwarded-For" = "203.0.113.7" # of a proxy before this one
    "X-Quoted"        = "\"a, b\"; c=\"d\\\"\""
    "X-Unicode"       = "café 漢字"
    "x-lower-case"    = "yes"
    "X_Underscore"    = "yes"
  }
}
request "repeated request headers" {
  path    = "/headers"
  headers = { "X-Tag" = ["a", "b, c", "d"] }
  expect_difference {
    in     = "json:headers.X-Tag"
    reason = "function URLs join repeated request headers with commas"
  }
}
request "two cookie headers" {
  path    = "/cookies"
  headers = { "Cookie" = ["a=1; b=2", "c=3"] }
}
request "a header of 8 KB" {
  path    = "/headers"
  headers = { "X-Long" = join("1234567", range(1024)) }
}
request "more headers than the app takes" {
  path          = "/headers"
  headers       = { "X-Long" = join("1234567890123456789012345678901", range(1024)) }
  expect_status = 431
}
request "answer headers" {
  path = "/response-headers?X-One=1&X-Two=a%2C%20b&X-Unicode=caf%C3%A9"
}
request "repeated answer headers" {
  path = "/response-headers?X-Tag=a&X-Tag=b&X-Tag=c"
  expect_difference {
    in     = "header:X-Tag"
    reason = "a function's answer has each header once, so that repeated ones come joined with commas"
  }
}
request "an own content type" {
  path = "/response-headers?Content-Type=application/problem%2Bjson"
}

# Cookies.

request "set one cookie" {
  path    = "/cookies/set?theme=dark"
  session = "cookies"
  expect_difference {
    in     = "header:Content-Type"
    reason = "the platform gives application/json to an answer that has no type"
  }
}
request "set two cookies at once" {
  path    = "/cookies/set?lang=de&currency=CHF&attr[SameSite]=Lax&attr[HttpOnly]=false"
  session = "cookies"
  expect_difference {
    in     = "header:Content-Type"
    reason = "the platform gives application/json to an answer that has no type"
  }
}
request "read the cookies" {
  path    = "/cookies"
  session = "cookies"
}
request "delete one cookie" {
  path    = "/cookies/delete?lang"
  session = "cookies"
  # the time of the deletion, a year ago by the clock of the moment
  may_differ_headers = ["Set-Cookie"]
  expect_difference {
    in     = "header:Content-Type"
    reason = "the platform gives application/json to an answer that has no type"
  }
}
request "read what is left" {
  path    = "/cookies"
  session = "cookies"
}
request "set a cookie and follow" {
  path             = "/cookies/set?last=1"
  session          = "cookies"
  follow_redirects = true
}
request "a cookie with a value to quote" {
  path    = "/cookies"
  headers = { "Cookie" = "plain=1; quoted=\"a b\"; equals=a=b==; empty=" }
}

# Redirects.

request "redirect, relative" {
  path          = "/relative-redirect/3"
  expect_status = 302
  expect_difference {
    in     = "header:Content-Type"
    reason = "the platform gives application/json to an answer that has no type"
  }
}
request "redirect, absolute" {
  path          = "/absolute-redirect/3"
  expect_status = 302
  expect_difference {
    in     = "header:Content-Type"
    reason = "the platform gives application/json to an answer that has no type"
  }
}
request "redirects, followed" {
  path             = "/redirect/4"
  follow_redirects = true
  expect_status    = 200
}
request "redirects, absolute and followed" {
  path             = "/absolute-redirect/2"
  follow_redirects = true
  expect_status    = 200
}
request "redirect to elsewhere" {
  path          = "/redirect-to?url=https%3A%2F%2Fshop.example%2Fa%3Fb%3D%2525&status_code=308"
  expect_status = 308
  expect_difference {
    in     = "header:Content-Type"
    reason = "the platform gives application/json to an answer that has no type"
  }
}
request "redirect of a post, followed" {
  method           = "POST"
  path             = "/redirect-to?url=/anything/moved&status_code=307"
  json             = { kept = true }
  follow_redirects = true
}
request "redirect to the first page" {
  path = "/links/5"
  expect_difference {
    in     = "header:Content-Type"
    reason = "the platform gives application/json to an answer that has no type"
  }
}

# Statuses.

request "status 200" {
  path          = "/status/200"
  expect_status = 200
}
request "status 201" {
  method        = "POST"
  path          = "/status/201"
  expect_status = 201
}
request "status 202" {
  path          = "/status/202"
  expect_status = 202
}
request "status 204" {
  path          = "/status/204"
  expect_status = 204
}
request "status 301" {
  path          = "/status/301"
  expect_status = 301
}
request "status 304" {
  path          = "/status/304"
  expect_status = 304
}
request "status 400" {
  path          = "/status/400"
  expect_status = 400
}
request "status 401" {
  path          = "/status/401"
  expect_status = 401
}
request "status 404" {
  path          = "/status/404"
  expect_status = 404
}
request "status 406, with a body" {
  path          = "/status/406"
  expect_status = 406
}
request "status 418" {
  path          = "/status/418"
  expect_status = 418
}
request "status 429" {
  path          = "/status/429"
  expect_status = 429
}
request "status 500" {
  path          = "/status/500"
  expect_status = 500
}
request "status 501" {
  path          = "/brotli"
  expect_status = 501
}
request "status 503" {
  path          = "/status/503"
  expect_status = 503
}
request "status 599" {
  path          = "/status/599"
  expect_status = 599
}
request "early hints" {
  path = "/status/103"
  expect_difference {
    in     = "informational"
    reason = "a function has one answer; 1xx answers before it do not reach the client"
  }
}

# Conditions, ranges, caches.

request "etag" {
  path               = "/etag/abc"
  may_differ_headers = ["Last-Modified"] # the time of the answer
}
request "etag that matches" {
  path               = "/etag/abc"
  headers            = { "If-None-Match" = "\"abc\"" }
  may_differ_headers = ["Last-Modified"]
  expect_status      = 304
}
request "etag that must match" {
  path               = "/etag/abc"
  headers            = { "If-Match" = "\"other\"" }
  may_differ_headers = ["Last-Modified"]
  expect_status      = 412
}
request "cache, fresh" {
  path               = "/cache"
  may_differ_headers = ["Last-Modified", "ETag"] # the time of the answer, and its hash
}
request "cache, not modified" {
  path          = "/cache"
  headers       = { "If-Modified-Since" = "Mon, 02 Nov 2026 10:00:00 GMT" }
  expect_status = 304
}
request "cache control" {
  path = "/cache/60"
}
request "all of a range" {
  path = "/range/2048"
}
request "part of a range" {
  path          = "/range/2048"
  headers       = { "Range" = "bytes=100-199" }
  expect_status = 206
}
request "end of a range" {
  path          = "/range/2048"
  headers       = { "Range" = "bytes=-10" }
  expect_status = 206
}
request "range out of bounds" {
  path          = "/range/2048"
  headers       = { "Range" = "bytes=5000-" }
  expect_status = 416
}

# Who may.

request "basic auth" {
  path          = "/basic-auth/jane/secret%20word"
  headers       = { "Authorization" = "Basic amFuZTpzZWNyZXQgd29yZA==" }
  expect_status = 200
}
request "basic auth, refused" {
  path          = "/basic-auth/jane/secret"
  expect_status = 401
}
request "bearer" {
  path          = "/bearer"
  headers       = { "Authorization" = "Bearer abc.def-ghi_jkl" }
  expect_status = 200
}
request "bearer, missing" {
  path          = "/bearer"
  expect_status = 401
}
request "digest auth, challenged" {
  path               = "/digest-auth/auth/jane/secret"
  may_differ_headers = ["WWW-Authenticate"] # holds a nonce
  expect_status      = 401
}

# Empty answers, slow answers, streams.

request "an empty answer" {
  path = "/bytes/0"
  expect_difference {
    in     = "header:Content-Type"
    reason = "the platform gives application/json to an answer that has no type"
  }
}
request "a delay" {
  path = "/delay/500ms"
}
request "a longer delay, with a body" {
  path = "/delay/1"
  form = { patience = "yes" }
}
request "drip" {
  path = "/drip?duration=400ms&numbytes=5&delay=100ms&code=202"
}
request "stream of json lines" {
  path = "/stream/20"
}
request "stream of bytes" {
  path = "/stream-bytes/65536?seed=3&chunk_size=1000"
}
request "server-sent events" {
  path             = "/sse?count=3&duration=300ms"
  may_differ_lines = ["data:"] # each holds the time of its event
  expect_difference {
    in     = "trailer:Server-Timing"
    reason = "a function's answer has no trailers"
  }
}
request "trailers" {
  path = "/trailers?X-Checksum=abc"
  expect_difference {
    in     = "trailer:X-Checksum"
    reason = "a function's answer has no trailers"
  }
}
request "an answer before its body is read" {
  method      = "POST"
  path        = "/stream-bytes/20000?seed=4"
  headers     = { "Content-Type" = "application/octet-stream" }
  body_random = { bytes = 1000000, seed = 12 }
}
request "the same again and again" {
  path  = "/get?again=yes"
  times = 20
}
