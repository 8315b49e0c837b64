package main

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"
)

// sent is a request as a client sends it to a platform, as far as each can carry it.
type sent struct {
	path   string // decoded
	query  [][2]string
	values []string // of one field
	cookie []string
	body   []byte
}

func (s sent) escapedPath() string { return (&url.URL{Path: s.path}).EscapedPath() }

func (s sent) rawQuery() string {
	var parts []string
	for _, q := range s.query {
		parts = append(parts, url.QueryEscape(q[0])+"="+url.QueryEscape(q[1]))
	}
	return strings.Join(parts, "&")
}

// single is the last value of each name; multi are all of them.
func single(pairs [][2]string, encode func(string) string) map[string]string {
	m := map[string]string{}
	for _, p := range pairs {
		m[encode(p[0])] = encode(p[1])
	}
	return m
}

func multi(pairs [][2]string, encode func(string) string) map[string][]string {
	m := map[string][]string{}
	for _, p := range pairs {
		m[encode(p[0])] = append(m[encode(p[0])], encode(p[1]))
	}
	return m
}

func asItIs(s string) string { return s }

// body is what each platform makes of a body.
func (s sent) bodyOf(e map[string]any) map[string]any {
	if utf8.Valid(s.body) {
		e["body"], e["isBase64Encoded"] = string(s.body), false
	} else {
		e["body"], e["isBase64Encoded"] = base64.StdEncoding.EncodeToString(s.body), true
	}
	return e
}

// platforms make their events of a request, and say what of it they can carry.
var platforms = []struct {
	name   string
	source source
	event  func(s sent) map[string]any
	// values and pairs are what arrives of the field's and of the query's values.
	values func([]string) []string
	pairs  func([][2]string) [][2]string
}{
	{"HTTP API", httpAPI, func(s sent) map[string]any {
		return map[string]any{"version": "2.0", "rawPath": s.path, "rawQueryString": s.rawQuery(), "cookies": s.cookie,
			"headers":        map[string]string{"host": "h", "x-a": strings.Join(s.values, ",")},
			"requestContext": map[string]any{"domainName": "id.execute-api.eu-west-1.amazonaws.com", "stage": "$default", "http": map[string]string{"method": "POST"}}}
	}, joined, all},
	{"function URL", functionURL, func(s sent) map[string]any {
		return map[string]any{"version": "2.0", "rawPath": s.escapedPath(), "rawQueryString": s.rawQuery(), "cookies": s.cookie,
			"headers":        map[string]string{"host": "h", "x-a": strings.Join(s.values, ","), "cookie": strings.Join(s.cookie, "; ")},
			"requestContext": map[string]any{"domainName": "id.lambda-url.eu-west-1.on.aws", "stage": "$default", "http": map[string]string{"method": "POST"}}}
	}, joined, all},
	{"REST API", restAPI, func(s sent) map[string]any {
		return map[string]any{"path": s.escapedPath(), "httpMethod": "POST",
			"queryStringParameters": single(s.query, asItIs), "multiValueQueryStringParameters": multi(s.query, asItIs),
			"headers":           map[string]string{"Host": "h", "X-A": s.values[len(s.values)-1]},
			"multiValueHeaders": map[string][]string{"Host": {"h"}, "X-A": s.values, "Cookie": s.cookie},
			"requestContext":    map[string]any{"stage": "prod"}}
	}, asTheyAre, all},
	{"load balancer, single values", albSingle, func(s sent) map[string]any {
		return map[string]any{"path": s.escapedPath(), "httpMethod": "POST", "queryStringParameters": single(s.query, url.QueryEscape),
			"headers":        map[string]string{"host": "h", "x-a": s.values[len(s.values)-1], "cookie": strings.Join(s.cookie, "; ")},
			"requestContext": map[string]any{"elb": map[string]string{"targetGroupArn": "a"}}}
	}, last, lastPairs},
	{"load balancer, multiple values", albMulti, func(s sent) map[string]any {
		return map[string]any{"path": s.escapedPath(), "httpMethod": "POST", "multiValueQueryStringParameters": multi(s.query, url.QueryEscape),
			"multiValueHeaders": map[string][]string{"host": {"h"}, "x-a": s.values, "cookie": s.cookie},
			"requestContext":    map[string]any{"elb": map[string]string{"targetGroupArn": "a"}}}
	}, asTheyAre, all},
}

func joined(v []string) []string    { return []string{strings.Join(v, ",")} }
func asTheyAre(v []string) []string { return v }
func last(v []string) []string      { return v[len(v)-1:] }
func all(p [][2]string) [][2]string { return p }
func lastPairs(p [][2]string) [][2]string {
	var kept [][2]string
	for name, value := range single(p, asItIs) {
		kept = append(kept, [2]string{name, value})
	}
	return kept
}

func values(pairs [][2]string) url.Values {
	v := url.Values{}
	for _, p := range pairs {
		v.Add(p[0], p[1])
	}
	return v
}

// FuzzRoundTrip sends any request that a platform can carry through its event to the
// app, and the app's answer back.
func FuzzRoundTrip(f *testing.F) {
	f.Add("/a b/ü%2F", "tag", "b c", "1+1=2&x", "v", "w", "c=1", []byte("{}"))
	f.Add("//a/../b;x=1", "", "", "%zz", "a, b", "", "c=\"1\"; d=2", []byte{0, 0xff})
	f.Add("", "a", "\u2028<&>", "\x00", "é", "\\\"", "", []byte("line\r\n\x00\"\\"))
	f.Fuzz(func(t *testing.T, path, name, one, two, first, second, cookie string, body []byte) {
		s := sent{path: "/" + strings.ToValidUTF8(path, "?"), values: []string{fieldText(first), fieldText(second)}, body: body}
		for _, q := range [][2]string{{name, one}, {name, two}, {one, name}} {
			s.query = append(s.query, [2]string{strings.ToValidUTF8(q[0], "?"), strings.ToValidUTF8(q[1], "?")})
		}
		if c := fieldText(cookie); c != "" {
			s.cookie = []string{c, "z=1"}
		}
		for _, p := range platforms {
			r := translate(t, s.bodyOf(p.event(s)))
			if r.source != p.source {
				t.Fatalf("%s: it is taken for %d", p.name, r.source)
			}
			req, got := parse(t, r)
			if req.Method != "POST" || req.URL.Path != s.path || req.Host != "h" {
				t.Errorf("%s: %s %q of %q arrives, want %q", p.name, req.Method, req.URL.Path, req.Host, s.path)
			}
			if p.source == functionURL && req.RequestURI != s.escapedPath()+"?"+s.rawQuery() {
				t.Errorf("%s: the target is %q", p.name, req.RequestURI)
			}
			if want := values(p.pairs(s.query)); !sameValues(req.URL.Query(), want) {
				t.Errorf("%s: the query is %q, want %q", p.name, req.URL.Query(), want)
			}
			if want := p.values(s.values); !slices.Equal(trimmed(req.Header["X-A"]), trimmed(want)) {
				t.Errorf("%s: the field is %q, want %q", p.name, req.Header["X-A"], want)
			}
			if want := strings.Join(s.cookie, "; "); req.Header.Get("Cookie") != want {
				t.Errorf("%s: the cookie is %q, want %q", p.name, req.Header.Get("Cookie"), want)
			}
			if !bytes.Equal(got, body) || req.ContentLength != int64(len(body)) {
				t.Errorf("%s: %d bytes become %d of %d", p.name, len(body), len(got), req.ContentLength)
			}
			answersAlike(t, p.source, s)
		}
	})
}

// fieldText makes a value that a platform hands over: it has taken off the spaces
// around it, and refuses control bytes.
func fieldText(text string) string {
	text = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return -1
		}
		return r
	}, strings.ToValidUTF8(text, "?"))
	return strings.Trim(text, " \t")
}

func trimmed(list []string) []string {
	list = slices.Clone(list)
	for i := range list {
		list[i] = strings.Trim(list[i], " \t")
	}
	return list
}

func sameValues(a, b url.Values) bool {
	if len(a) != len(b) {
		return false
	}
	for name := range b {
		if !slices.Equal(a[name], b[name]) {
			return false
		}
	}
	return true
}

// answersAlike lets the app answer with the request's field, cookies and body.
func answersAlike(t *testing.T, from source, s sent) {
	t.Helper()
	h := "HTTP/1.1 201 Created\r\n"
	for _, v := range s.values {
		h += "X-A: " + v + "\r\n"
	}
	for _, c := range s.cookie {
		h += "Set-Cookie: " + c + "\r\n"
	}
	raw := append([]byte(h+"Content-Length: "+strconv.Itoa(len(s.body))+"\r\n\r\n"), s.body...)
	var r response
	r.reset(false, 0)
	if done, err := r.advance(raw); err != nil || !done {
		t.Fatalf("%q: %t, %v", raw, done, err)
	}
	var a struct {
		StatusCode        int
		Headers           map[string]string
		MultiValueHeaders map[string][]string
		Cookies           []string
		Body              string
		IsBase64Encoded   bool
	}
	text := appendAnswer(nil, &r, raw, from)
	if err := json.Unmarshal(text, &a); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	body := []byte(a.Body)
	if a.IsBase64Encoded {
		var err error
		if body, err = base64.StdEncoding.DecodeString(a.Body); err != nil {
			t.Fatal(err)
		}
	}
	if a.StatusCode != 201 || !bytes.Equal(body, s.body) {
		t.Errorf("source %d: status %d with %q, want %q", from, a.StatusCode, body, s.body)
	}
	fields, cookies := []string{a.Headers["X-A"]}, a.Cookies
	want := []string{strings.Join(s.values, ", ")}
	switch from {
	case restAPI, albMulti:
		fields, cookies, want = a.MultiValueHeaders["X-A"], a.MultiValueHeaders["Set-Cookie"], s.values
	case albSingle:
		cookies = nil
		for name, value := range a.Headers {
			if http.CanonicalHeaderKey(name) == "Set-Cookie" {
				cookies = append(cookies, value)
			}
		}
	}
	slices.Sort(cookies)
	sent := slices.Clone(s.cookie)
	slices.Sort(sent)
	if !slices.Equal(fields, want) || !slices.Equal(cookies, sent) {
		t.Errorf("source %d: fields %q and cookies %q, want %q and %q", from, fields, cookies, want, sent)
	}
}
