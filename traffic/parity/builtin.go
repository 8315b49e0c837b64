package parity

// BuiltInHeader is a header that is never compared, with the reason.
type BuiltInHeader struct {
	// Name may end in "*".
	Name   string
	Reason string
}

// BuiltIn lists the headers and trailers that are never compared, because they
// belong to one connection, one moment or the platform and say nothing about the
// app. docs/parity.md shows the same table.
//
// Content-Length is not among them: it is left out only where bodies were
// compared, and compared for HEAD and 304, whose length nothing else proves.
func BuiltIn() []BuiltInHeader {
	return []BuiltInHeader{
		{"Date", "the moment of the answer"},
		{"Age", "how long a cache has held the answer"},
		{"Connection", "concerns one connection (RFC 9110 section 7.6.1)"},
		{"Keep-Alive", "concerns one connection"},
		{"Proxy-Connection", "concerns one connection"},
		{"Transfer-Encoding", "how one connection frames the body; the body itself is compared"},
		{"Via", "names the proxies between"},
		{"Alt-Svc", "names other addresses of the same gateway"},
		{"X-Amzn-Requestid", "the id that AWS gives to each request"},
		{"X-Amzn-Trace-Id", "the id of the trace on AWS"},
		{"X-Amz-Apigw-Id", "the id that API Gateway gives to each request"},
		{"Apigw-Requestid", "the id that API Gateway gives to each request"},
		{"X-Amz-Cf-Id", "the id that CloudFront gives to each request"},
		{"X-Amz-Cf-Pop", "the place of CloudFront that answered"},
		{"X-Amzn-Remapped-*", "what API Gateway renamed of the headers above"},
		{"X-Azure-Ref", "the id that Azure gives to each request"},
		{"X-Cloud-Trace-Context", "the id of the trace on Google Cloud"},
		{"X-Envoy-Upstream-Service-Time", "how long a proxy waited"},
	}
}

func isBuiltIn(name string) bool {
	for _, h := range BuiltIn() {
		if nameMatches(h.Name, name) {
			return true
		}
	}
	return false
}
