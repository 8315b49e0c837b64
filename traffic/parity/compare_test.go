package parity

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
)

// reply makes an answer from a status line, headers and a body:
// reply("200", "Content-Type: text/plain", "", "body").
func reply(status int, lines ...string) *answer {
	a := &answer{status: status, header: http.Header{}, trailer: http.Header{}}
	for i, line := range lines {
		if line == "" {
			a.body = []byte(strings.Join(lines[i+1:], ""))
			break
		}
		name, value, _ := strings.Cut(line, ": ")
		a.header.Add(name, value)
	}
	return a
}

func mustPlaces(t *testing.T, texts ...string) []Place {
	t.Helper()
	var places []Place
	for _, text := range texts {
		p, err := ParsePlace(text)
		if err != nil {
			t.Fatal(err)
		}
		places = append(places, p)
	}
	return places
}

func mustPaths(t *testing.T, texts ...string) []JSONPath {
	t.Helper()
	var paths []JSONPath
	for _, text := range texts {
		p, err := ParseJSONPath(text)
		if err != nil {
			t.Fatal(err)
		}
		paths = append(paths, p)
	}
	return paths
}

func zipped(s string) string {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	w.Write([]byte(s))
	w.Close()
	return b.String()
}

// render makes a short text of differences, for comparing.
func render(found []Difference) string {
	var lines []string
	for _, d := range found {
		line := d.In.String()
		if d.Detail != "" {
			line += " (" + d.Detail + ")"
		}
		lines = append(lines, fmt.Sprintf("%s: %s | %s", line, d.A, d.B))
	}
	return strings.Join(lines, "\n")
}

func TestWhatDiffers(t *testing.T) {
	const jsonType = "Content-Type: application/json"
	for _, c := range []struct {
		name   string
		method string
		a, b   *answer
		ignore Ignore
		expect []string
		want   string
	}{
		{name: "nothing", a: reply(200, "X: 1", "", "body"), b: reply(200, "X: 1", "", "body")},
		{name: "the status", a: reply(200), b: reply(502), want: "status: 200 | 502"},
		{name: "a header of one side", a: reply(200, "X-One: 1"), b: reply(200), want: `header:X-One: "1" | (none)`},
		{name: "a header's value", a: reply(200, "X: a b"), b: reply(200, "X: a  b"), want: `header:X: "a b" | "a  b"`},
		{name: "an empty header is one", a: reply(200, "X: "), b: reply(200), want: `header:X: "" | (none)`},
		{name: "repeated headers that were joined", a: reply(200, "X: 1", "X: 2"), b: reply(200, "X: 1,2"),
			want: `header:X: 2 lines: "1", "2" | "1,2"`},
		{name: "the order of repeated headers", a: reply(200, "X: 1", "X: 2"), b: reply(200, "X: 2", "X: 1"),
			want: `header:X: 2 lines: "1", "2" | 2 lines: "2", "1"`},
		{name: "not the order of cookies", a: reply(200, "Set-Cookie: a=1", "Set-Cookie: b=2"), b: reply(200, "Set-Cookie: b=2", "Set-Cookie: a=1")},
		{name: "a lost cookie", a: reply(200, "Set-Cookie: a=1", "Set-Cookie: b=2"), b: reply(200, "Set-Cookie: a=1"),
			want: `header:Set-Cookie: 2 lines: "a=1", "b=2" | "a=1"`},
		{name: "not what the platform adds", a: reply(200, "Date: x"), b: reply(200, "Date: y", "X-Amzn-RequestId: 1", "X-Amzn-Trace-Id: 2", "X-Amzn-Remapped-Date: z")},
		{name: "not a header that may", a: reply(200, "X-Request-Id: 1", "X-B3-A: 1"), b: reply(200, "X-Request-Id: 2", "X-B3-B: 1"),
			ignore: Ignore{Headers: []string{"x-request-id", "X-B3-*"}}},
		{name: "a length beside equal bodies", a: reply(200, "Content-Length: 1", "", "x"), b: reply(200, "", "x")},
		{name: "a length of nothing", a: reply(200, "Content-Length: 0"), b: reply(200)},
		{name: "the length that a head states", method: "HEAD", a: reply(200, "Content-Length: 7"), b: reply(200, "Content-Length: 0"),
			want: `header:Content-Length: "7" | "0"`},
		{name: "a text", a: reply(200, "", "one\ntwo\nthree\n"), b: reply(200, "", "one\nzwei\nthree\n"),
			want: `body (from line 2 on): "two\n" | "zwei\n"`},
		{name: "a text that ends early", a: reply(200, "", "one\ntwo"), b: reply(200, "", "one\n"),
			want: `body (from line 2 on; 2 and 1 lines): "two" | (none)`},
		{name: "a line break", a: reply(200, "", "one\r\n"), b: reply(200, "", "one\n"), want: `body (from line 1 on): "one\r\n" | "one\n"`},
		{name: "an empty body", a: reply(200, "", "x"), b: reply(200), want: `body (from line 1 on; 1 and 0 lines): "x" | (none)`},
		{name: "not lines that may", a: reply(200, "", "a\nid: 1\nb\n"), b: reply(200, "", "a\nb\nid: 2\nid: 3\n"), ignore: Ignore{Lines: []string{"id:"}}},
		{name: "lines that are expected, by their prefix", a: reply(200, "", "a\nb\n"), b: reply(200, "", "a\nid: 1\nb\n"), expect: []string{"line:id:"},
			want: `line:id:: (none) | "id: 1\n"`},
		{name: "a binary", a: reply(200, "", "\x00\x01\x02\x03"), b: reply(200, "", "\x00\x01\xff"),
			want: "body (from byte 2 on; 4 bytes and 3 bytes): 02 03 | ff"},
		{name: "a binary that was cut", a: reply(200, "", "\x00\x01"), b: reply(200, "", "\x00"),
			want: "body (from byte 1 on; 2 bytes and 1 byte): 01 | (none)"},
		{name: "JSON values by their paths", a: reply(200, jsonType, "", `{"a":{"b":[1,2]},"c":"x"}`), b: reply(200, jsonType, "", `{"a":{"b":[1,3,4]},"d":null}`),
			want: "json:a.b[1]: 2 | 3\njson:a.b[2]: (none) | 4\njson:c: \"x\" | (none)\njson:d: (none) | null"},
		{name: "numbers by their digits", a: reply(200, jsonType, "", `[12345678901234567890, 1.0]`), b: reply(200, jsonType, "", `[12345678901234567891, 1]`),
			want: "json:[0]: 12345678901234567890 | 12345678901234567891\njson:[1]: 1.0 | 1"},
		{name: "types", a: reply(200, jsonType, "", `{"a":1}`), b: reply(200, jsonType, "", `{"a":"1"}`), want: `json:a: 1 | "1"`},
		{name: "keys with signs", a: reply(200, jsonType, "", `{"a.b":{"":1}}`), b: reply(200, jsonType, "", `{"a.b":{"":2}}`), want: `json:["a.b"][""]: 1 | 2`},
		{name: "keys that occur twice", a: reply(200, jsonType, "", `{"a":1,"a":2}`), b: reply(200, jsonType, "", `{"a":1}`), want: "json:a: 2 | (none)"},
		{name: "JSON against text", a: reply(200, jsonType, "", `{"a":1}`), b: reply(200, "Content-Type: text/html", "", "<html>"),
			want: "header:Content-Type: \"application/json\" | \"text/html\"\nbody (from line 1 on): \"{\\\"a\\\":1}\" | \"<html>\""},
		{name: "white space of equal JSON", a: reply(200, jsonType, "", `{"a": 1}`), b: reply(200, jsonType, "", `{"a":1}`),
			want: `body (the JSON is equal, its white space or escapes are not): {"a":1} | {"a":1}`},
		{name: "the order of keys", a: reply(200, jsonType, "", `{"a":1,"b":2}`), b: reply(200, jsonType, "", `{"b":2,"a":1}`),
			want: `body (the JSON is equal, its keys come in another order): {"a":1,"b":2} | {"b":2,"a":1}`},
		{name: "not JSON that may", a: reply(200, jsonType, "", `{"id":1,"x":[{"t":1}]}`), b: reply(200, jsonType, "", `{"x":[{"t":22}],"id":2}`),
			ignore: Ignore{JSON: mustPaths(t, "id", "x[*].t")}, want: `body (the JSON is equal, its keys come in another order): {"id":1,"x":[{"t":1}]} | {"x":[{"t":22}],"id":2}`},
		{name: "not JSON that one side has and may", a: reply(200, jsonType, "", `{"x":1}`), b: reply(200, jsonType, "", `{"id":{"deep":2},"x":1}`), ignore: Ignore{JSON: mustPaths(t, "id")}},
		{name: "JSON beside what may", a: reply(200, jsonType, "", `{"id":1,"x":1}`), b: reply(200, jsonType, "", `{"id":2,"x":2}`),
			ignore: Ignore{JSON: mustPaths(t, "id")}, want: "json:x: 1 | 2"},
		{name: "JSON that may, but is expected", a: reply(200, jsonType, "", `{"id":1}`), b: reply(200, jsonType, "", `{"id":2}`),
			ignore: Ignore{JSON: mustPaths(t, "id"), Headers: []string{"X"}}, expect: []string{"json:id"}, want: "json:id: 1 | 2"},
		{name: "a header that may, but is expected", a: reply(200, "X: 1", "Y: 1"), b: reply(200, "X: 2", "Y: 2"),
			ignore: Ignore{Headers: []string{"X", "Y"}}, expect: []string{"header:x"}, want: `header:X: "1" | "2"`},
		{name: "lines of JSON", a: reply(200, "", "{\"n\":1}\n{\"n\":2}\n"), b: reply(200, "", "{\"n\":1}\n{\"n\":3}\n"), want: "json:[1].n: 2 | 3"},
		{name: "compressed JSON by its content", a: reply(200, "Content-Encoding: gzip", "", zipped(`{"a":1}`)), b: reply(200, "Content-Encoding: gzip", "", zipped(`{"a":2}`)),
			want: "json:a: 1 | 2"},
		{name: "compression of equal content", a: reply(200, "Content-Encoding: gzip", "", zipped("x")), b: reply(200, "Content-Encoding: gzip", "", zipped("x")+zipped("")),
			want: "body (the content is equal, the compressed bytes are not): 25 bytes | 48 bytes"},
		{name: "compression of one side", a: reply(200, "Content-Encoding: gzip", "", zipped("x")), b: reply(200, "", "x"),
			want: "header:Content-Encoding: \"gzip\" | (none)\nbody (from byte 0 on; 25 bytes and 1 byte): 1f 8b 08 00 00 00 00 00 00 ff aa 00 04 00 00 ff … | 78"},
		{name: "what only claims to be compressed", a: reply(200, "Content-Encoding: gzip", "", "x"), b: reply(200, "Content-Encoding: gzip", "", "y"), want: `body (from line 1 on): "x" | "y"`},
	} {
		r := &Request{Method: c.method}
		if c.expect != nil {
			r.Expected = []Expectation{{In: mustPlaces(t, c.expect...), Reason: "because"}}
		}
		if got := render(compare(r, c.ignore, c.a, c.b)); got != c.want {
			t.Errorf("%s:\n%s\nwant\n%s", c.name, got, c.want)
		}
	}
}

func TestOtherPlacesThatDiffer(t *testing.T) {
	a, b := reply(200), reply(200)
	a.informational = []int{103}
	a.redirects = []string{"302 /a"}
	a.trailer.Set("X-Sum", "1")
	b.redirects = []string{"302 /b"}
	want := "informational: [103] | []\nredirects: 302 /a | 302 /b\ntrailer:X-Sum: \"1\" | (none)"
	if got := render(compare(&Request{}, Ignore{}, a, b)); got != want {
		t.Errorf("%s, want\n%s", got, want)
	}
}

func TestStatusThatTheFileExpectsOfBoth(t *testing.T) {
	r := &Request{ExpectStatus: 200}
	if got := render(compare(r, Ignore{}, reply(200), reply(200))); got != "" {
		t.Errorf("%s", got)
	}
	if got := render(compare(r, Ignore{}, reply(500), reply(500))); got != "status (the file expects status 200): 500 | 500" {
		t.Errorf("%s", got)
	}
}

func TestDeepJSONIsComparedAsText(t *testing.T) {
	deep := strings.Repeat("[", 2_000_000)
	got := compare(&Request{}, Ignore{}, reply(200, "", deep), reply(200, "", deep+"["))
	if len(got) != 1 || got[0].In.String() != "body" {
		t.Errorf("%s", render(got))
	}
}

func TestPlacesOfAnAnswer(t *testing.T) {
	for _, c := range []struct {
		place  string
		covers []string
		not    []string
	}{
		{"answer", []string{"status", "header:X", "body", "json:a", "trailer:T"}, nil},
		{"body", []string{"body", "json:a.b", "line:x"}, []string{"status", "header:X"}},
		{"header:x-*", []string{"header:X-A", "header:X-"}, []string{"header:Y", "trailer:X-A"}},
		{"json:a", []string{"json:a", "json:a.b", "json:a[0]"}, []string{"json:ab", "json:b.a", "body"}},
		{"json:a[*].c", []string{"json:a[0].c", "json:a.b.c", "json:a[7].c.d"}, []string{"json:a[0].d", "json:a"}},
		{"json:[0]", []string{"json:[0].a"}, []string{"json:[1]"}},
		{"status", []string{"status"}, []string{"body"}},
	} {
		p := mustPlaces(t, c.place)[0]
		for _, d := range mustPlaces(t, c.covers...) {
			if !p.covers(d) {
				t.Errorf("%s does not cover %s", p, d)
			}
		}
		for _, d := range mustPlaces(t, c.not...) {
			if p.covers(d) {
				t.Errorf("%s covers %s", p, d)
			}
		}
		var back Place
		text, err := p.MarshalText()
		if err == nil {
			err = back.UnmarshalText(text)
		}
		if err != nil || back.String() != p.String() {
			t.Errorf("%s became %s: %v", p, back, err)
		}
	}
	for _, wrong := range []string{"", "header", "header:", "status:200", "json:a..b", "json:[x]", "json:a[", `json:["a"`, "json:.a", "json:a]b[", "nose", "Body"} {
		if p, err := ParsePlace(wrong); err == nil && wrong != "json:a]b[" {
			t.Errorf("%q was read as %s", wrong, p)
		}
	}
}

func FuzzJSONPath(f *testing.F) {
	for _, s := range []string{"", "a.b", "[0]", "a[*].c", `["a.b"].c`, `["\u00e9"]`, "*", "a.*", `["*"]`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		p, err := ParseJSONPath(s)
		if err != nil {
			return
		}
		again, err := ParseJSONPath(p.String())
		if err != nil || again.String() != p.String() || !p.covers(again) || !again.covers(p) {
			t.Errorf("%q became %q: %v", s, p, err)
		}
	})
}

func FuzzCompareBodies(f *testing.F) {
	f.Add([]byte(`{"a":[1,{"b":null}]}`), []byte(`{"a":[1,{"b":2}]}`), "")
	f.Add([]byte("a\nb"), []byte("a\nc"), "")
	f.Add([]byte(zipped("x")), []byte(zipped("y")), "gzip")
	f.Add([]byte("\x00\xff"), []byte("\x00"), "deflate")
	paths := []JSONPath{{steps: []jsonStep{{key: "a", index: -1}, {index: -1, any: true}}}}
	f.Fuzz(func(t *testing.T, a, b []byte, encoding string) {
		x, y := reply(200, "Content-Encoding: "+encoding), reply(200, "Content-Encoding: "+encoding)
		x.body, y.body = a, b
		found := compareBodies(&Request{}, Ignore{}, x, y)
		if bytes.Equal(a, b) != (len(found) == 0) {
			t.Errorf("%q and %q: %d differences", a, b, len(found))
		}
		if _, err := json.Marshal(found); err != nil {
			t.Error(err)
		}
		compareBodies(&Request{}, Ignore{JSON: paths, Lines: []string{"a"}}, x, y)
	})
}

func FuzzAnswer(f *testing.F) {
	f.Add([]byte(okAnswer), "GET")
	f.Add([]byte("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nX: 1\r\n\r\n"), "HEAD")
	f.Fuzz(func(t *testing.T, raw []byte, method string) {
		a, err := receive(bytes.NewReader(raw), method)
		if (a == nil) == (err == nil) {
			t.Errorf("answer %v, error %v", a, err)
		}
	})
}
