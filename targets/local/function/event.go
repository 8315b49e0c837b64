package function

import (
	"crypto/sha256"
	"encoding/base64"
	"net"
	"net/http"
	"net/textproto"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// urlIdentity is what the address of a function URL is made of.
type urlIdentity struct {
	id, domain string
}

// newURLIdentity makes an address that looks like a real one, so that adapters
// can tell a function URL from an HTTP API by its domain. It resolves nowhere.
func newURLIdentity(c Config) urlIdentity {
	const alphabet = "abcdefghijklmnopqrstuvwxyz234567"
	sum := sha256.Sum256([]byte(c.Region + "/" + c.Name))
	id := make([]byte, 32)
	for i := range id {
		id[i] = alphabet[sum[i]%32]
	}
	return urlIdentity{id: string(id), domain: string(id) + ".lambda-url." + c.Region + ".on.aws"}
}

// requestMeta is what the platform adds to a request.
type requestMeta struct {
	id    string // the request id
	trace string // the value of x-amzn-trace-id
	time  time.Time
}

// appendEvent appends the event that a function URL makes of a request, in
// payload format 2.0. Sources: "Invoking Lambda function URLs" in the AWS Lambda
// developer guide, and events captured from live function URLs.
func appendEvent(b []byte, r *http.Request, body []byte, u urlIdentity, m requestMeta) []byte {
	rawPath, path, rawQuery := target(r)
	sourceIP, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		sourceIP = r.RemoteAddr
	}

	b = append(b, `{"version":"2.0","routeKey":"$default","rawPath":`...)
	b = appendString(b, rawPath)
	b = append(b, `,"rawQueryString":`...)
	b = appendString(b, rawQuery)
	b = appendCookies(b, r.Header["Cookie"])
	b = append(b, `,"headers":`...)
	b = appendHeaders(b, r, len(body), sourceIP, m)
	b = appendQuery(b, rawQuery)

	b = append(b, `,"requestContext":{"accountId":"anonymous","apiId":"`...)
	b = append(b, u.id...)
	b = append(b, `","domainName":"`...)
	b = append(b, u.domain...)
	b = append(b, `","domainPrefix":"`...)
	b = append(b, u.id...)
	b = append(b, `","http":{"method":`...)
	b = appendString(b, r.Method)
	b = append(b, `,"path":`...)
	b = appendString(b, path)
	b = append(b, `,"protocol":`...)
	b = appendString(b, r.Proto)
	b = append(b, `,"sourceIp":`...)
	b = appendString(b, sourceIP)
	b = append(b, `,"userAgent":`...)
	b = appendString(b, r.Header.Get("User-Agent"))
	b = append(b, `},"requestId":"`...)
	b = append(b, m.id...)
	b = append(b, `","routeKey":"$default","stage":"$default","time":"`...)
	b = m.time.UTC().AppendFormat(b, "02/Jan/2006:15:04:05 -0700")
	b = append(b, `","timeEpoch":`...)
	b = strconv.AppendInt(b, m.time.UnixMilli(), 10)
	b = append(b, '}')
	b = appendBody(b, r.Header, body)
	return append(b, '}')
}

// target returns the path as it was sent, decoded, and the query as it was sent.
func target(r *http.Request) (rawPath, path, rawQuery string) {
	rawPath, path, rawQuery = r.RequestURI, r.URL.Path, r.URL.RawQuery
	if strings.HasPrefix(rawPath, "/") {
		rawPath, _, _ = strings.Cut(rawPath, "?")
	} else {
		// The absolute form, "GET http://host/path", or a request that was not
		// read from a connection.
		rawPath = r.URL.EscapedPath()
	}
	if rawPath == "" || rawPath == "*" {
		rawPath, path = "/", "/"
	}
	return rawPath, path, rawQuery
}

// appendCookies appends the cookies of a request one by one, if there are any.
func appendCookies(b []byte, headers []string) []byte {
	n := 0
	for _, header := range headers {
		for cookie := range strings.SplitSeq(header, ";") {
			if cookie = textproto.TrimString(cookie); cookie == "" {
				continue
			}
			if n == 0 {
				b = append(b, `,"cookies":[`...)
			} else {
				b = append(b, ',')
			}
			b = appendString(b, cookie)
			n++
		}
	}
	if n > 0 {
		b = append(b, ']')
	}
	return b
}

// hopHeaders concern one connection and end at the platform's edge, in both
// directions. Source: RFC 9110, section 7.6.1.
var hopHeaders = []string{
	"Connection", "Expect", "Keep-Alive", "Proxy-Authenticate", "Proxy-Authorization",
	"Proxy-Connection", "Te", "Trailer", "Transfer-Encoding", "Upgrade",
}

// platformHeaders are set by the platform whatever the client sends.
var platformHeaders = []string{
	"Content-Length", "Host", "X-Amzn-Trace-Id", "X-Forwarded-For", "X-Forwarded-Port", "X-Forwarded-Proto",
}

// appendHeaders appends the headers as one object: names in lower case, repeated
// ones joined with a comma, cookies with a semicolon.
func appendHeaders(b []byte, r *http.Request, size int, sourceIP string, m requestMeta) []byte {
	var buf [32]string
	names := buf[:0]
	for name := range r.Header {
		if !slices.Contains(hopHeaders, name) && !slices.Contains(platformHeaders, name) && !namedByConnection(r.Header, name) {
			names = append(names, name)
		}
	}
	slices.Sort(names)

	b = append(b, `{"host":`...)
	b = appendString(b, r.Host)
	for _, name := range names {
		separator := ","
		if name == "Cookie" {
			separator = "; "
		}
		b = append(b, ',')
		b = appendString(b, strings.ToLower(name))
		b = append(b, ':')
		b = appendString(b, join(r.Header[name], separator))
	}
	if size > 0 || r.Header.Get("Content-Length") != "" {
		b = append(b, `,"content-length":"`...)
		b = strconv.AppendInt(b, int64(size), 10)
		b = append(b, '"')
	}

	b = append(b, `,"x-amzn-trace-id":`...)
	b = appendString(b, m.trace)
	b = append(b, `,"x-forwarded-for":`...)
	b = appendString(b, join(append(slices.Clone(r.Header["X-Forwarded-For"]), sourceIP), ", "))
	proto, port := "http", "80"
	if r.TLS != nil {
		proto, port = "https", "443"
	}
	if _, p, err := net.SplitHostPort(r.Host); err == nil && p != "" {
		port = p
	}
	b = append(b, `,"x-forwarded-port":`...)
	b = appendString(b, port)
	b = append(b, `,"x-forwarded-proto":"`...)
	b = append(b, proto...)
	return append(b, `"}`...)
}

// namedByConnection reports whether the Connection header makes this header one
// of the connection.
func namedByConnection(h http.Header, name string) bool {
	for _, value := range h["Connection"] {
		for token := range strings.SplitSeq(value, ",") {
			if strings.EqualFold(textproto.TrimString(token), name) {
				return true
			}
		}
	}
	return false
}

func join(values []string, separator string) string {
	if len(values) == 1 {
		return values[0]
	}
	return strings.Join(values, separator)
}

// appendQuery appends the decoded parameters, if there are any. Those that occur
// more than once are joined with a comma, in order. What cannot be decoded stays
// as it is.
func appendQuery(b []byte, raw string) []byte {
	var names []string
	values := map[string][]string{}
	for pair := range strings.SplitSeq(raw, "&") {
		if pair == "" {
			continue
		}
		name, value, _ := strings.Cut(pair, "=")
		name, value = unescapeQuery(name), unescapeQuery(value)
		if _, seen := values[name]; !seen {
			names = append(names, name)
		}
		values[name] = append(values[name], value)
	}
	if len(names) == 0 {
		return b
	}
	b = append(b, `,"queryStringParameters":{`...)
	for n, name := range names {
		if n > 0 {
			b = append(b, ',')
		}
		b = appendString(b, name)
		b = append(b, ':')
		b = appendString(b, join(values[name], ","))
	}
	return append(b, '}')
}

func unescapeQuery(s string) string {
	if decoded, err := url.QueryUnescape(s); err == nil {
		return decoded
	}
	return s
}

// appendBody appends the body, as text or base64, if there is one.
func appendBody(b []byte, h http.Header, body []byte) []byte {
	switch {
	case len(body) == 0:
		return append(b, `,"isBase64Encoded":false`...)
	case isText(h) && utf8.Valid(body):
		b = append(b, `,"body":`...)
		b = appendText(b, body)
		return append(b, `,"isBase64Encoded":false`...)
	default:
		b = append(b, `,"body":"`...)
		b = base64.StdEncoding.AppendEncode(b, body)
		return append(b, `","isBase64Encoded":true`...)
	}
}

// isText reports whether the platform takes a body of this content type for
// text. A form is none: function URLs send application/x-www-form-urlencoded and
// multipart/form-data as base64.
func isText(h http.Header) bool {
	if encoding := h.Get("Content-Encoding"); encoding != "" && !strings.EqualFold(encoding, "identity") {
		return false
	}
	kind, _, _ := strings.Cut(h.Get("Content-Type"), ";")
	kind = strings.ToLower(textproto.TrimString(kind))
	return strings.HasPrefix(kind, "text/") || strings.Contains(kind, "json") ||
		strings.Contains(kind, "xml") || kind == "application/javascript"
}
