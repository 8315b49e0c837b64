package main

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"net/textproto"
	"slices"
	"strings"
	"testing"
)

// v2 is an event of payload format 2.0, in the fields that matter.
type v2 struct {
	Version         string            `json:"version"`
	RouteKey        string            `json:"routeKey"`
	RawPath         string            `json:"rawPath"`
	RawQueryString  string            `json:"rawQueryString"`
	Cookies         []string          `json:"cookies,omitempty"`
	Headers         map[string]string `json:"headers"`
	RequestContext  v2Context         `json:"requestContext"`
	Body            string            `json:"body,omitempty"`
	IsBase64Encoded bool              `json:"isBase64Encoded"`
}

type v2Context struct {
	DomainName string `json:"domainName"`
	Stage      string `json:"stage"`
	HTTP       v2HTTP `json:"http"`
}

type v2HTTP struct {
	Method   string `json:"method"`
	Path     string `json:"path"`
	SourceIP string `json:"sourceIp"`
}

const (
	apiDomain = "id.execute-api.eu-west-1.amazonaws.com"
	urlDomain = "id.lambda-url.eu-west-1.on.aws"
)

func newV2(domain, method, path string) v2 {
	return v2{Version: "2.0", RouteKey: "$default", RawPath: path, Headers: map[string]string{"host": "shop.example"},
		RequestContext: v2Context{DomainName: domain, Stage: "$default", HTTP: v2HTTP{Method: method, Path: path, SourceIP: "192.0.2.1"}}}
}

// translate returns the request that the event becomes, as bytes.
func translate(t *testing.T, e any) *request {
	t.Helper()
	data, err := json.Marshal(e)
	if err != nil {
		t.Fatal(err)
	}
	r := new(request)
	if err := r.fromEvent(data, "/events", ""); err != nil {
		t.Fatalf("%s: %v", data, err)
	}
	return r
}

// parse reads a request back with net/http.
func parse(t *testing.T, r *request) (*http.Request, []byte) {
	t.Helper()
	req, err := http.ReadRequest(bufio.NewReader(io.MultiReader(bytes.NewReader(r.head), bytes.NewReader(r.body))))
	if err != nil {
		t.Fatalf("%q: %v", r.head, err)
	}
	body, err := io.ReadAll(req.Body)
	if err != nil {
		t.Fatal(err)
	}
	return req, body
}

func TestTargetOfARequest(t *testing.T) {
	cases := []struct{ name, domain, path, query, want string }{
		{"root", apiDomain, "/", "", "/"},
		{"no path", apiDomain, "", "", "/"},
		{"an HTTP API's path is decoded and gets encoded", apiDomain, "/a b/ü/100%/x?y#z\"", "", "/a%20b/%C3%BC/100%25/x%3Fy%23z%22"},
		{"what stands for itself in a path is left", apiDomain, "/-._~!$&'()*+,;=:@", "", "/-._~!$&'()*+,;=:@"},
		{"an HTTP API's named stage stays", apiDomain, "/prod/a", "", "/prod/a"},
		{"a function URL's path is as it was sent", urlDomain, "/a%20b/%C3%BC/%2F/x", "", "/a%20b/%C3%BC/%2F/x"},
		{"a function URL's odd path cannot end the line", urlDomain, "/a b\r\nX: y", "", "/a%20b%0D%0AX:%20y"},
		{"slashes are left", urlDomain, "//a//b/", "", "//a//b/"},
		{"dots are left", urlDomain, "/a/../b/.", "", "/a/../b/."},
		{"a query is kept byte for byte", apiDomain, "/", "a=1+2&b=%2f%2F&a=&c&=&d=e=f&g=%zz&h=[]", "/?a=1+2&b=%2f%2F&a=&c&=&d=e=f&g=%zz&h=[]"},
		{"a query cannot end the line", apiDomain, "/", "a=1 HTTP/1.1\r\nX: y", "/?a=1%20HTTP/1.1%0D%0AX:%20y"},
		{"a query of UTF-8", urlDomain, "/", "q=ü", "/?q=ü"},
		{"control bytes", apiDomain, "/\x00\x1f\x7f", "", "/%00%1F%7F"},
	}
	for _, c := range cases {
		e := newV2(c.domain, "GET", c.path)
		e.RawQueryString = c.query
		r := translate(t, e)
		line, _, _ := strings.Cut(string(r.head), "\r\n")
		if want := "GET " + c.want + " HTTP/1.1"; line != want {
			t.Errorf("%s: got %q, want %q", c.name, line, want)
		}
		if r.source == noHTTP {
			t.Errorf("%s: the event is not taken for HTTP", c.name)
		}
	}
}

func TestFieldsOfARequest(t *testing.T) {
	cases := []struct {
		name, domain, method string
		headers              map[string]string
		cookies              []string
		body                 string
		want                 http.Header // all but Host
		host                 string
	}{
		{"host", apiDomain, "GET", map[string]string{"host": "shop.example"}, nil, "", http.Header{}, "shop.example"},
		{"no host", apiDomain, "GET", map[string]string{}, nil, "", http.Header{}, apiDomain},
		{"joined values stay joined", apiDomain, "GET", map[string]string{"x-a": "1,2", "accept": "a;q=1, b"}, nil, "",
			http.Header{"X-A": {"1,2"}, "Accept": {"a;q=1, b"}}, apiDomain},
		{"an HTTP API has cookies in the list only", apiDomain, "GET", nil, []string{"a=1", "b=2"}, "",
			http.Header{"Cookie": {"a=1; b=2"}}, apiDomain},
		{"a function URL has them twice, the app does not", urlDomain, "GET", map[string]string{"cookie": "a=1; b=2"}, []string{"a=1", "b=2"}, "",
			http.Header{"Cookie": {"a=1; b=2"}}, urlDomain},
		{"hop-by-hop fields are left out", apiDomain, "GET", map[string]string{
			"Connection": "keep-alive", "keep-alive": "300", "proxy-connection": "x", "TE": "trailers", "trailer": "x",
			"transfer-encoding": "chunked", "upgrade": "websocket", "proxy-authorization": "x", "proxy-authenticate": "x",
			"expect": "100-continue", "x-a": "1"}, nil, "", http.Header{"X-A": {"1"}}, apiDomain},
		{"and those that Connection names", apiDomain, "GET", map[string]string{"connection": "close, X-A", "x-a": "1", "x-b": "2"}, nil, "",
			http.Header{"X-B": {"2"}}, apiDomain},
		{"a body has its length", apiDomain, "POST", map[string]string{"content-length": "999"}, nil, "hé",
			http.Header{"Content-Length": {"3"}}, apiDomain},
		{"a POST without a body says so", apiDomain, "POST", nil, nil, "", http.Header{"Content-Length": {"0"}}, apiDomain},
		{"a GET without a body does not", apiDomain, "GET", nil, nil, "", http.Header{}, apiDomain},
		{"unless it did", apiDomain, "GET", map[string]string{"content-length": "0"}, nil, "", http.Header{"Content-Length": {"0"}}, apiDomain},
		{"a GET with a body", apiDomain, "GET", nil, nil, "x", http.Header{"Content-Length": {"1"}}, apiDomain},
		{"a value cannot end its field", apiDomain, "GET", map[string]string{"x-a": "1\r\nX-B: 2\x00", "host": "h\r\nX-C: 3"}, []string{"a=1\r\nX-D: 4"}, "",
			http.Header{"X-A": {"1  X-B: 2 "}, "Cookie": {"a=1  X-D: 4"}}, "h  X-C: 3"},
		{"a name that is none is left out", apiDomain, "GET", map[string]string{"x a": "1", "": "2", "x\r\ny": "3", "é": "4"}, nil, "", http.Header{}, apiDomain},
		{"text beyond ASCII", apiDomain, "GET", map[string]string{"x-a": "é€\U0001F600", "x-b": "tab\there"}, nil, "",
			http.Header{"X-A": {"é€\U0001F600"}, "X-B": {"tab\there"}}, apiDomain},
		{"the platform's own fields pass", apiDomain, "GET", map[string]string{"x-forwarded-for": "192.0.2.1", "x-amzn-trace-id": "Root=1"}, nil, "",
			http.Header{"X-Forwarded-For": {"192.0.2.1"}, "X-Amzn-Trace-Id": {"Root=1"}}, apiDomain},
	}
	for _, c := range cases {
		e := newV2(c.domain, c.method, "/")
		e.Headers, e.Cookies, e.Body = c.headers, c.cookies, c.body
		r := translate(t, e)
		got, host := fieldsOf(t, r.head)
		if host != c.host {
			t.Errorf("%s: the host is %q, want %q", c.name, host, c.host)
		}
		if len(got) != len(c.want) {
			t.Errorf("%s: got %q, want %q", c.name, got, c.want)
		}
		for k, v := range c.want {
			if !slices.EqualFunc(got[k], v, func(a, b string) bool { return strings.TrimSpace(a) == strings.TrimSpace(b) }) {
				t.Errorf("%s: %s is %q, want %q", c.name, k, got[k], v)
			}
		}
		if string(r.body) != c.body {
			t.Errorf("%s: the body is %q", c.name, r.body)
		}
	}
}

// fieldsOf reads the fields of a head without net/http's opinion of them.
func fieldsOf(t *testing.T, head []byte) (http.Header, string) {
	t.Helper()
	lines := strings.Split(strings.TrimSuffix(string(head), "\r\n\r\n"), "\r\n")
	h := http.Header{}
	for _, line := range lines[1:] {
		name, value, ok := strings.Cut(line, ": ")
		if !ok {
			t.Fatalf("%q has a line without a colon", head)
		}
		name = textproto.CanonicalMIMEHeaderKey(name)
		h[name] = append(h[name], value)
	}
	host := h["Host"]
	delete(h, "Host")
	if len(host) != 1 {
		t.Fatalf("%q has %d hosts", head, len(host))
	}
	return h, host[0]
}

func TestClientsCannotSendTheAdaptersOwnFields(t *testing.T) {
	e := newV2(urlDomain, "POST", "/events")
	for _, name := range []string{"twofold-event-kind", "Twofold-Trigger", "TWOFOLD_REQUEST_ID"} {
		e.Headers[name] = "forged"
	}
	e.Headers["twofolder"], e.Headers["x-twofold-id"] = "kept", "kept"
	head := string(translate(t, e).head)
	if strings.Contains(head, "forged") || strings.Count(head, "kept") != 2 {
		t.Errorf("the app gets %q", head)
	}
}

func TestBodiesOfAnEvent(t *testing.T) {
	cases := []struct{ name, member, want string }{
		{"text", `"body":"a\"\n\u00e9\ud83d\ude00"`, "a\"\né\U0001F600"},
		{"base64", `"isBase64Encoded":true,"body":"AP/+"`, "\x00\xff\xfe"},
		{"base64 with padding", `"body":"AA==","isBase64Encoded":true`, "\x00"},
		{"base64 without padding", `"body":"AA","isBase64Encoded":true`, "\x00"},
		{"base64 with escaped slashes", `"body":"\/\/\/\/","isBase64Encoded":true`, "\xff\xff\xff"},
		{"text that is not UTF-8", `"body":"a` + "\xff" + `b"`, "a\ufffdb"},
		{"null", `"body":null`, ""},
		{"none", `"x":1`, ""},
		{"empty base64", `"isBase64Encoded":true,"body":""`, ""},
	}
	for _, c := range cases {
		// In both orders: the body is read in one go where it comes last.
		for _, data := range []string{
			`{"requestContext":{"http":{"method":"POST"}},` + c.member + `}`,
			`{` + c.member + `,"requestContext":{"http":{"method":"POST"}}}`,
		} {
			r := new(request)
			if err := r.fromEvent([]byte(data), "/events", ""); err != nil {
				t.Errorf("%s: %v", c.name, err)
			}
			checkBody(t, c.name, r, c.want)
		}
	}
}

func checkBody(t *testing.T, name string, r *request, want string) {
	t.Helper()
	if string(r.body) != want || !strings.Contains(string(r.head), "Content-Length: "+itoa(len(want))+"\r\n") {
		t.Errorf("%s: the body is %q after %q, want %q", name, r.body, r.head, want)
	}
}

func TestMalformedEventsAreErrors(t *testing.T) {
	for _, data := range []string{
		`{"requestContext":{"http":{"method":"GET"}}`,
		`{"requestContext":{"http":{"method":"GET"}}} x`,
		`{"requestContext":{"http":{"method":"G T"}}}`,
		`{"requestContext":{"http":{"method":""}}}`,
		`{"requestContext":{"http":{"method":"GET"}},"body":1}`,
		`{"requestContext":{"http":{"method":"GET"}},"body":"a` + "\x01" + `b"}`,
		`{"requestContext":{"http":{"method":"GET"}},"body":"a\n` + "\x01" + `b"}`,
		`{"requestContext":{"http":{"method":"GET"}},"body":"a\x"}`,
		`{"requestContext":{"http":{"method":"GET"}},"body":"a\u12"}`,
		`{"requestContext":{"http":{"method":"GET"}},"body":"a`,
		`{"body":"a` + "\x01" + `b","requestContext":{"http":{"method":"GET"}}}`,
		`{"requestContext":{"http":{"method":"GET"}},"headers":{"a":1}}`,
		`{"requestContext":{"http":{"method":"GET"}},"body":"a=b","isBase64Encoded":true}`,
		``, `x`, `{"a":"` + "\n" + `"}`,
	} {
		r := new(request)
		if err := r.fromEvent([]byte(data), "/events", ""); err == nil {
			t.Errorf("%q becomes %q", data, r.head)
		}
	}
}

func TestOtherEventsArePostedAsTheyAre(t *testing.T) {
	for _, data := range []string{
		`{"Records":[{"eventSource":"aws:sqs","body":"x"}]}`,
		`{"requestContext":{"elb":{}},"path":"/"}`, `{"requestContext":{"elb":null},"httpMethod":"GET","path":"/"}`,
		`{"version":"1.0","requestContext":{"stage":1},"httpMethod":"GET"}`,
		`{"version":"2.0","requestContext":{}}`, `{"requestContext":"http"}`, `{"requestContext":{"http":[]}}`,
		`{"requestContext":{"http":{"method":1}}}`, `[{"a":1}]`, `"text"`, `1`, `null`, ` {} `,
	} {
		r := new(request)
		if err := r.fromEvent([]byte(data), "/events", "Root=1"); err != nil {
			t.Errorf("%s: %v", data, err)
			continue
		}
		req, body := parse(t, r)
		if r.source != noHTTP || req.Method != "POST" || req.RequestURI != "/events" || string(body) != data ||
			req.Header.Get("Content-Type") != "application/json" || req.Header.Get("X-Amzn-Trace-Id") != "Root=1" {
			t.Errorf("%s becomes %q", data, r.head)
		}
	}
}

// The memory of a request is used again; nothing of the one before may show.
func TestRequestLeavesNothingBehind(t *testing.T) {
	r := new(request)
	long := newV2(apiDomain, "POST", "/long")
	long.Body, long.Cookies, long.Headers["x-secret"] = "secret", []string{"a=secret"}, "secret"
	for _, e := range []v2{long, newV2(apiDomain, "GET", "/short")} {
		data, _ := json.Marshal(e)
		if err := r.fromEvent(data, "/events", ""); err != nil {
			t.Fatal(err)
		}
	}
	if strings.Contains(string(r.head)+string(r.body), "secret") || string(r.method) != "GET" || string(r.path) != "/short" {
		t.Errorf("the second request is %q %q", r.head, r.body)
	}
}

// FuzzEvent checks that whatever a request holds, the app reads the same from it.
func FuzzEvent(f *testing.F) {
	f.Add("GET", "/a b", "x=1&y=%2F", "x-a", "value", "a=1", []byte("body"), false)
	f.Add("POST", "/%", "", "Content-Type", "te\u00e9\r\nxt", "", []byte{0xff, 0}, true)
	f.Add("HEAD", "", "\x00", "connection", "x-a", "b", []byte{}, true)
	f.Fuzz(func(t *testing.T, method, path, query, name, value, cookie string, body []byte, functionURL bool) {
		domain := apiDomain
		if functionURL {
			domain = urlDomain
		}
		e := newV2(domain, method, path)
		e.RawQueryString, e.IsBase64Encoded = query, true
		e.Body = base64.StdEncoding.EncodeToString(body)
		e.Headers[name] = value
		if cookie != "" {
			e.Cookies = []string{cookie}
		}
		data, err := json.Marshal(e)
		if err != nil {
			return
		}
		var clean v2 // what the event says after JSON has mended it
		if err := json.Unmarshal(data, &clean); err != nil {
			t.Fatal(err)
		}
		r := new(request)
		if err := r.fromEvent(data, "/events", ""); err != nil {
			if isToken([]byte(clean.RequestContext.HTTP.Method)) {
				t.Fatal(err)
			}
			return
		}
		if !bytes.Equal(r.body, body) {
			t.Fatalf("the body is %q, want %q", r.body, body)
		}
		if bytes.Count(r.head, []byte("\r\n\r\n")) != 1 || !bytes.HasSuffix(r.head, []byte("\r\n\r\n")) {
			t.Fatalf("the head does not end where it should: %q", r.head)
		}
		for _, line := range bytes.Split(r.head, []byte("\r\n")) {
			if bytes.ContainsAny(line, "\r\n\x00") {
				t.Fatalf("the head %q holds a line break or NUL in a line", r.head)
			}
		}
		req, err := http.ReadRequest(bufio.NewReader(bytes.NewReader(r.head)))
		if err != nil {
			// net/http refuses paths with an escape that is none, and hosts that are none.
			if !functionURL && clean.Headers["host"] == "shop.example" && !strings.HasPrefix(clean.RawPath, "//") && !strings.EqualFold(name, "host") {
				t.Fatalf("%q: %v", r.head, err)
			}
			return
		}
		if req.Method != clean.RequestContext.HTTP.Method {
			t.Fatalf("the method is %q", req.Method)
		}
		if !functionURL && !strings.HasPrefix(clean.RawPath, "//") {
			want := clean.RawPath
			if !strings.HasPrefix(want, "/") {
				want = "/" + want
			}
			if req.URL.Path != want {
				t.Fatalf("the path is %q, want %q", req.URL.Path, want)
			}
		}
		if isToken([]byte(name)) && kindOf([]byte(name)) == ordinary && isFieldValue(clean.Headers[name]) {
			if got := req.Header.Get(name); got != strings.Trim(clean.Headers[name], " \t") {
				t.Fatalf("%s is %q, want %q", name, got, clean.Headers[name])
			}
		}
	})
}
