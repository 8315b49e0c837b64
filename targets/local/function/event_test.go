package function

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
)

// urlEvent is the part of an event that the tests look at.
type urlEvent struct {
	Version               string            `json:"version"`
	RouteKey              string            `json:"routeKey"`
	RawPath               string            `json:"rawPath"`
	RawQueryString        string            `json:"rawQueryString"`
	Cookies               []string          `json:"cookies"`
	Headers               map[string]string `json:"headers"`
	QueryStringParameters map[string]string `json:"queryStringParameters"`
	RequestContext        struct {
		AccountID    string `json:"accountId"`
		APIID        string `json:"apiId"`
		DomainName   string `json:"domainName"`
		DomainPrefix string `json:"domainPrefix"`
		HTTP         struct {
			Method    string `json:"method"`
			Path      string `json:"path"`
			Protocol  string `json:"protocol"`
			SourceIP  string `json:"sourceIp"`
			UserAgent string `json:"userAgent"`
		} `json:"http"`
		RequestID string `json:"requestId"`
		RouteKey  string `json:"routeKey"`
		Stage     string `json:"stage"`
		Time      string `json:"time"`
		TimeEpoch int64  `json:"timeEpoch"`
	} `json:"requestContext"`
	Body            *string `json:"body"`
	IsBase64Encoded bool    `json:"isBase64Encoded"`
}

// eventOf reads a request as it is on the wire and makes its event.
func eventOf(t testing.TB, wire string) urlEvent {
	t.Helper()
	r, err := http.ReadRequest(bufio.NewReader(strings.NewReader(wire)))
	if err != nil {
		t.Fatal(err)
	}
	r.RemoteAddr = "192.0.2.7:4711"
	body, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	text := appendEvent(nil, r, body, newURLIdentity(Config{Name: "api", Region: "eu-west-1"}),
		requestMeta{id: "the-id", trace: "Root=1-0-0", time: time.Date(2026, 7, 10, 19, 19, 6, 671e6, time.UTC)})
	var e urlEvent
	if err := json.Unmarshal(text, &e); err != nil {
		t.Fatalf("%v:\n%s", err, text)
	}
	return e
}

// The request and most of the expectations are those of an event that was
// captured from a live function URL.
func TestEventIsThatOfAFunctionURL(t *testing.T) {
	body := `{"message":"hello","unicode":"lambda-λ"}`
	e := eventOf(t, "POST /capture/space%20value?repeat=one&repeat=two&redirect=https%3A%2F%2Fexample.com%2Fa%2Fb&literalPlus=a+b&encodedPlus=a%2Bb&empty= HTTP/1.1\r\n"+
		"Host: localhost:8080\r\nUser-Agent: curl/8.7.1\r\nAccept: */*\r\nContent-Type: application/json\r\nContent-Length: 41\r\n"+
		"X-Probe: first\r\nX-Probe: second\r\nCookie: session=abc123; theme=dark\r\n\r\n"+body)
	id := e.RequestContext.APIID
	if len(id) != 32 {
		t.Errorf("the id %q has not 32 characters", id)
	}
	var want urlEvent
	want.Version, want.RouteKey = "2.0", "$default"
	want.RawPath = "/capture/space%20value"
	want.RawQueryString = "repeat=one&repeat=two&redirect=https%3A%2F%2Fexample.com%2Fa%2Fb&literalPlus=a+b&encodedPlus=a%2Bb&empty="
	want.Cookies = []string{"session=abc123", "theme=dark"}
	want.Headers = map[string]string{
		"accept": "*/*", "content-length": "41", "content-type": "application/json",
		"cookie": "session=abc123; theme=dark", "host": "localhost:8080", "user-agent": "curl/8.7.1",
		"x-amzn-trace-id": "Root=1-0-0", "x-forwarded-for": "192.0.2.7", "x-forwarded-port": "8080", "x-forwarded-proto": "http",
		"x-probe": "first,second",
	}
	want.QueryStringParameters = map[string]string{
		"empty": "", "encodedPlus": "a+b", "literalPlus": "a b", "redirect": "https://example.com/a/b", "repeat": "one,two",
	}
	c := &want.RequestContext
	c.AccountID, c.APIID, c.DomainPrefix, c.DomainName = "anonymous", id, id, id+".lambda-url.eu-west-1.on.aws"
	c.HTTP.Method, c.HTTP.Path, c.HTTP.Protocol = "POST", "/capture/space value", "HTTP/1.1"
	c.HTTP.SourceIP, c.HTTP.UserAgent = "192.0.2.7", "curl/8.7.1"
	c.RequestID, c.RouteKey, c.Stage = "the-id", "$default", "$default"
	c.Time, c.TimeEpoch = "10/Jul/2026:19:19:06 +0000", 1783711146671
	want.Body = &body
	if diff := cmp.Diff(want, e); diff != "" {
		t.Errorf("event (-want +got):\n%s", diff)
	}
}

func TestEventDetails(t *testing.T) {
	for _, test := range []struct {
		name, wire string
		check      func(e urlEvent) any
		want       any
	}{
		{"a slash in a segment stays encoded", "GET /a%2Fb/%C3%A9 HTTP/1.1\r\nHost: h\r\n\r\n",
			func(e urlEvent) any { return e.RawPath + " " + e.RequestContext.HTTP.Path }, "/a%2Fb/%C3%A9 /a/b/é"},
		{"the path is not cleaned", "GET //a/../b/ HTTP/1.1\r\nHost: h\r\n\r\n",
			func(e urlEvent) any { return e.RawPath }, "//a/../b/"},
		{"the absolute form", "GET http://other/x%20y?q HTTP/1.1\r\nHost: h\r\n\r\n",
			func(e urlEvent) any { return e.RawPath + " " + e.RawQueryString + " " + e.Headers["host"] }, "/x%20y q other"},
		{"the asterisk form", "OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n",
			func(e urlEvent) any { return e.RawPath }, "/"},
		{"no query", "GET / HTTP/1.1\r\nHost: h\r\n\r\n",
			func(e urlEvent) any {
				return []any{e.RawQueryString, e.QueryStringParameters == nil, e.Cookies == nil, e.Body == nil}
			},
			[]any{"", true, true, true}},
		{"the query is kept byte for byte", "GET /?a=%zz&&b&=c&d=1;2&e=%2f%2F+ HTTP/1.1\r\nHost: h\r\n\r\n",
			func(e urlEvent) any { return e.RawQueryString }, "a=%zz&&b&=c&d=1;2&e=%2f%2F+"},
		{"parameters that cannot be decoded stay", "GET /?a=%zz&b&=c&d=1;2 HTTP/1.1\r\nHost: h\r\n\r\n",
			func(e urlEvent) any { return e.QueryStringParameters }, map[string]string{"a": "%zz", "b": "", "": "c", "d": "1;2"}},
		{"several cookie headers", "GET / HTTP/1.1\r\nHost: h\r\nCookie: a=1;b=2\r\nCookie: c=\"x, y\"\r\n\r\n",
			func(e urlEvent) any { return []any{e.Cookies, e.Headers["cookie"]} },
			[]any{[]string{"a=1", "b=2", `c="x, y"`}, `a=1;b=2; c="x, y"`}},
		{"headers of the connection end here", "GET / HTTP/1.1\r\nHost: h\r\nConnection: keep-alive, X-Hop\r\nX-Hop: 1\r\nKeep-Alive: 5\r\nTE: trailers\r\nX-Stay: 1\r\n\r\n",
			func(e urlEvent) any { return e.Headers },
			map[string]string{"host": "h", "x-stay": "1", "x-amzn-trace-id": "Root=1-0-0", "x-forwarded-for": "192.0.2.7", "x-forwarded-port": "80", "x-forwarded-proto": "http"}},
		{"the client's address is added", "GET / HTTP/1.1\r\nHost: h\r\nX-Forwarded-For: 10.0.0.1, 10.0.0.2\r\nX-Forwarded-Proto: https\r\nX-Forwarded-Port: 443\r\n\r\n",
			func(e urlEvent) any {
				return []string{e.Headers["x-forwarded-for"], e.Headers["x-forwarded-proto"], e.Headers["x-forwarded-port"]}
			}, []string{"10.0.0.1, 10.0.0.2, 192.0.2.7", "http", "80"}},
		{"a header in ISO 8859-1", "GET / HTTP/1.1\r\nHost: h\r\nX-Name: caf\xe9\r\n\r\n",
			func(e urlEvent) any { return e.Headers["x-name"] }, "café"},
		{"a header in UTF-8", "GET / HTTP/1.1\r\nHost: h\r\nX-Name: café\r\n\r\n",
			func(e urlEvent) any { return e.Headers["x-name"] }, "café"},
		{"a form is base64", "POST / HTTP/1.1\r\nHost: h\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 3\r\n\r\na=b",
			func(e urlEvent) any { return []any{*e.Body, e.IsBase64Encoded} }, []any{"YT1i", true}},
		{"a body without a type is base64", "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\n\r\nx",
			func(e urlEvent) any { return []any{*e.Body, e.IsBase64Encoded} }, []any{"eA==", true}},
		{"text that is not UTF-8 is base64", "POST / HTTP/1.1\r\nHost: h\r\nContent-Type: text/plain\r\nContent-Length: 1\r\n\r\n\xe9",
			func(e urlEvent) any { return []any{*e.Body, e.IsBase64Encoded} }, []any{"6Q==", true}},
		{"encoded text is base64", "POST / HTTP/1.1\r\nHost: h\r\nContent-Type: text/plain\r\nContent-Encoding: gzip\r\nContent-Length: 1\r\n\r\nx",
			func(e urlEvent) any { return e.IsBase64Encoded }, true},
		{"parameters of the type do not matter", "POST / HTTP/1.1\r\nHost: h\r\nContent-Type: Application/Problem+JSON; charset=utf-8\r\nContent-Length: 2\r\n\r\n{}",
			func(e urlEvent) any { return []any{*e.Body, e.IsBase64Encoded} }, []any{"{}", false}},
		{"a chunked body has a length", "POST / HTTP/1.1\r\nHost: h\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
			func(e urlEvent) any {
				return []any{*e.Body, e.Headers["content-length"], e.Headers["transfer-encoding"]}
			}, []any{"abc", "3", ""}},
		{"an empty body has none", "POST / HTTP/1.1\r\nHost: h\r\nContent-Type: text/plain\r\nContent-Length: 0\r\n\r\n",
			func(e urlEvent) any { return []any{e.Body == nil, e.IsBase64Encoded, e.Headers["content-length"]} }, []any{true, false, "0"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			if diff := cmp.Diff(test.want, test.check(eventOf(t, test.wire))); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// FuzzEventCarriesTheRequest makes an event of a request and reads it back the
// way an adapter does.
func FuzzEventCarriesTheRequest(f *testing.F) {
	f.Add("GET", "/", "", "v", "a=b", "text/plain", []byte(nil))
	f.Add("POST", "/a%2Fb/%F0%9F%98%80", "x=1&x=2&y=%zz;+", "quote \" \\", "a=b; c=d;;", "application/json", []byte(`{"a":"é\n"}`))
	f.Add("PUT", "//..//", "&&=", "caf\xe9", " ; ", "image/png", []byte{0, 1, 254, 255})
	f.Fuzz(func(t *testing.T, method, path, query, header, cookie, kind string, body []byte) {
		target := path
		if query != "" {
			target += "?" + query
		}
		u, err := url.ParseRequestURI(target)
		if err != nil || !strings.HasPrefix(path, "/") || strings.ContainsAny(path, "?#") {
			t.Skip()
		}
		r := &http.Request{
			Method: method, URL: u, RequestURI: target, Proto: "HTTP/1.1", Host: "h", RemoteAddr: "[::1]:1",
			Header: http.Header{"X-Value": {header, "2"}, "Cookie": {cookie}, "Content-Type": {kind}},
		}
		text := appendEvent(nil, r, body, newURLIdentity(Config{}), requestMeta{})
		if !utf8.Valid(text) {
			t.Fatal("the event is not UTF-8")
		}
		var e urlEvent
		if err := json.Unmarshal(text, &e); err != nil {
			t.Fatalf("%v:\n%s", err, text)
		}
		same := func(what, got, want string) {
			t.Helper()
			if utf8.ValidString(want) && got != want {
				t.Errorf("%s: got %q, want %q", what, got, want)
			}
		}
		same("method", e.RequestContext.HTTP.Method, method)
		same("path", e.RawPath, path)
		same("query", e.RawQueryString, query)
		same("header", e.Headers["x-value"], header+",2")
		same("cookie header", e.Headers["cookie"], cookie)
		if e.RequestContext.HTTP.SourceIP != "::1" {
			t.Errorf("source: %q", e.RequestContext.HTTP.SourceIP)
		}
		var got []byte
		if e.Body != nil {
			got = []byte(*e.Body)
			if e.IsBase64Encoded {
				if got, err = base64.StdEncoding.DecodeString(*e.Body); err != nil {
					t.Fatal(err)
				}
			}
		}
		if !bytes.Equal(got, body) {
			t.Errorf("body: got %q, want %q", got, body)
		}
	})
}
