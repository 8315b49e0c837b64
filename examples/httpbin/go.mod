// The folder of the example: it only names the server to build. Nothing of the
// server is written here.
module example.com/httpbin

go 1.26.0

tool github.com/mccutchen/go-httpbin/v2/cmd/go-httpbin

require github.com/mccutchen/go-httpbin/v2 v2.26.0 // indirect
