package parity

import (
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

var update = flag.Bool("update", false, "write the golden files")

// golden compares with a file of testdata, or writes it with -update.
func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s:\n%s\nwant\n%s", path, got, want)
	}
}

func write(t *testing.T, name, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

func load(t *testing.T, name, content string) *Suite {
	t.Helper()
	s, err := Load(write(t, name, content))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestRequestWithEverything(t *testing.T) {
	s := load(t, "requests.hcl", `
may_differ_headers = ["X-Request-Id", "X-B3-*"]
may_differ_json    = "id"
may_differ_lines   = ["time:"]

request "all" {
  method  = "PATCH"
  path    = "/a%2Fb?x=+&y"
  headers = {
    Zeta    = "1"
    Alpha   = ["b", "a"]
    "x-Low" = 7
  }
  body             = "text"
  chunked          = true
  session          = "s"
  follow_redirects = true
  times            = 3
  timeout          = "90s"
  expect_status    = 201
  may_differ_headers = ["ETag"]
  may_differ_json    = ["list[*].id", "[\"a.b\"]"]
  may_differ_lines   = ["x", "y"]
  expect_difference {
    in     = ["header:X-Tag", "json:a.b"]
    reason = "because"
  }
  expect_difference {
    in     = "status"
    reason = "also"
  }
}
request "short" { path = "/" }
`)
	r := s.Requests[0]
	if r.Method != "PATCH" || r.Path != "/a%2Fb?x=+&y" || string(r.Body) != "text" || !r.Chunked || r.Session != "s" ||
		!r.FollowRedirects || r.Times != 3 || r.Timeout != 90*time.Second || r.ExpectStatus != 201 {
		t.Errorf("request %+v", r)
	}
	var lines []string
	for _, h := range r.Headers {
		lines = append(lines, h.Name+"="+h.Value)
	}
	if got := strings.Join(lines, " "); got != "Zeta=1 Alpha=b Alpha=a x-Low=7" {
		t.Errorf("headers %s: they are not in the order of the file", got)
	}
	if len(s.Ignore.Headers) != 2 || s.Ignore.JSON[0].String() != "id" || s.Ignore.Lines[0] != "time:" {
		t.Errorf("the file ignores %+v", s.Ignore)
	}
	if r.Ignore.Headers[0] != "ETag" || r.Ignore.JSON[1].String() != `["a.b"]` || len(r.Ignore.Lines) != 2 {
		t.Errorf("the request ignores %+v", r.Ignore)
	}
	if len(r.Expected) != 2 || r.Expected[0].In[1].String() != "json:a.b" || r.Expected[1].Reason != "also" {
		t.Errorf("expected %+v", r.Expected)
	}
	if short := s.Requests[1]; short.Method != "GET" || short.Body != nil || short.Times != 1 {
		t.Errorf("short %+v", short)
	}
}

func TestBodies(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "body.bin"), []byte{0, 1, 255}, 0o644); err != nil {
		t.Fatal(err)
	}
	const own = `headers = { "content-type" = "own" }`
	for _, c := range []struct{ name, hcl, body, contentType string }{
		{"text", `body = "ü\n"`, "ü\n", ""},
		{"an empty text", `body = ""`, "", ""},
		{"base64", `body_base64 = "AAH\n /"`, "\x00\x01\xff", ""},
		{"a file", `body_file = "body.bin"`, "\x00\x01\xff", ""},
		{"random bytes", `body_random = { bytes = 10, seed = 7 }`, "\xdep17p\xd6\xffD\xa0\x05", ""},
		{"json", `json = { b = [1, null, 1.5], a = "<é>" }`, `{"a":"<é>","b":[1,null,1.5]}`, "application/json"},
		{"json with an own type", own + "\njson = []", "[]", "own"},
		{"a form, in its order", `form = { z = "a b&c", "ä+" = ["1", ""] }`, "z=a+b%26c&%C3%A4%2B=1&%C3%A4%2B=", "application/x-www-form-urlencoded"},
		{"parts", `
part "a\"b" { body = "x" }
part "file" {
  filename     = "ü.bin"
  content_type = "image/gif"
  body_base64  = "AAE="
}`, "--" + boundary + "\r\nContent-Disposition: form-data; name=\"a%22b\"\r\n\r\nx\r\n--" + boundary +
			"\r\nContent-Disposition: form-data; name=\"file\"; filename=\"ü.bin\"\r\nContent-Type: image/gif\r\n\r\n\x00\x01\r\n--" +
			boundary + "--\r\n", "multipart/form-data; boundary=" + boundary},
	} {
		path := filepath.Join(dir, "requests.hcl")
		if err := os.WriteFile(path, []byte("request \"r\" {\n path = \"/\"\n"+c.hcl+"\n}"), 0o644); err != nil {
			t.Fatal(err)
		}
		s, err := Load(path)
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		r := s.Requests[0]
		contentType := ""
		for _, h := range r.Headers {
			contentType += h.Value
		}
		if string(r.Body) != c.body || contentType != c.contentType || r.Method != "POST" || r.Body == nil {
			t.Errorf("%s: %s %q of %q, want %q of %q", c.name, r.Method, r.Body, contentType, c.body, c.contentType)
		}
	}
}

func TestAllProblemsOfAFileAtOnce(t *testing.T) {
	_, err := Load("testdata/wrong/all.hcl")
	var file *FileError
	if !errors.As(err, &file) {
		t.Fatalf("error %v", err)
	}
	golden(t, "wrong/all.txt", err.Error()+"\n")
}

func TestFilesThatCannotBeRead(t *testing.T) {
	big, err := os.Create(filepath.Join(t.TempDir(), "big.hcl"))
	if err != nil {
		t.Fatal(err)
	}
	if err := big.Truncate(maxSource + 1); err != nil {
		t.Fatal(err)
	}
	big.Close()
	for _, c := range []struct{ name, path, want string }{
		{"a file that is not there", filepath.Join(t.TempDir(), "x.hcl"), "no such file"},
		{"a folder", t.TempDir(), "no regular file"},
		{"a device", "/dev/zero", "no regular file"},
		{"too large a file", big.Name(), "larger than 16 MB"},
		{"an empty file", write(t, "a.hcl", ""), `Add at least one: request "home"`},
		{"no HCL", write(t, "b.hcl", "request {{"), "b.hcl"},
		{"bodies that are too large together", write(t, "c.hcl", strings.Repeat("request \"r\" {\n path = \"/\"\n body_random = { bytes = 60000000 }\n}\n", 3)), "larger than 64 MB together"},
		{"a HAR that is none", write(t, "a.har", "{"), "no HAR recording"},
		{"a HAR without requests", write(t, "b.har", `{"log":{"entries":[{"request":{"url":"wss://x/"}}]}}`), "no request to a web server"},
		{"a recorded request that cannot be sent", write(t, "c.har",
			`{"log":{"entries":[{"request":{"method":"G T","url":"http://x/"}},{"request":{"method":"GET","url":"http://x/a b"}}]}}`), "entry 2, http://x/a b: a space"},
	} {
		if _, err := Load(c.path); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want %q", c.name, err, c.want)
		}
	}
}

const recording = `{"log": {"version": "1.2", "entries": [
 {"request": {"method": "GET", "url": "https://Shop.example/a%2Fb?x=+&y#top", "headers": [
   {"name": ":authority", "value": "shop.example"}, {"name": "Host", "value": "shop.example"}, {"name": "Connection", "value": "keep-alive"},
   {"name": "Accept", "value": "*/*"}, {"name": "cookie", "value": "a=1"}, {"name": "Content-Length", "value": "0"}]}},
 {"request": {"method": "GET", "url": "https://cdn.example/x.js", "headers": []}},
 {"request": {"method": "GET", "url": "data:text/plain,x", "headers": []}},
 {"request": {"method": "POST", "url": "https://shop.example?q", "headers": [{"name": "Content-Type", "value": "application/json"}],
   "postData": {"mimeType": "application/json", "text": "{\"a\":1}"}}},
 {"request": {"method": "POST", "url": "https://shop.example/", "headers": [], "postData": {"mimeType": "application/x-www-form-urlencoded", "text": "",
   "params": [{"name": "a b", "value": "1&2"}, {"name": "c", "value": ""}]}}},
 {"request": {"method": "POST", "url": "https://shop.example/", "headers": [], "postData": {"mimeType": "multipart/form-data; boundary=xyz",
   "params": [{"name": "f", "fileName": "a.txt", "contentType": "text/plain", "value": "hi"}]}}},
 {"request": {"method": "PUT", "url": "https://shop.example/", "headers": [], "postData": {"mimeType": "image/gif", "text": "AAE=", "encoding": "base64"}}}
]}}`

func TestRecording(t *testing.T) {
	for _, name := range []string{"session.har", "session.json"} {
		s := load(t, name, "\ufeff"+recording)
		var got []string
		for _, r := range s.Requests {
			line := r.Name + ": " + r.Method + " " + r.Path
			for _, h := range r.Headers {
				line += " [" + h.Name + ": " + h.Value + "]"
			}
			got = append(got, line+" "+strings.ReplaceAll(string(r.Body), "\r\n", "~"))
		}
		want := []string{
			"GET /a%2Fb: GET /a%2Fb?x=+&y [Accept: */*] [cookie: a=1] ",
			`POST /: POST /?q [Content-Type: application/json] {"a":1}`,
			"POST / (2): POST / [Content-Type: application/x-www-form-urlencoded] a+b=1%262&c=",
			"POST / (3): POST / [Content-Type: multipart/form-data; boundary=xyz] --xyz~Content-Disposition: form-data; name=\"f\"; filename=\"a.txt\"~Content-Type: text/plain~~hi~--xyz--~",
			"PUT /: PUT / [Content-Type: image/gif] \x00\x01",
		}
		if g, w := strings.Join(got, "\n"), strings.Join(want, "\n"); g != w {
			t.Errorf("%s:\n%s\nwant\n%s", name, g, w)
		}
		if len(s.Notes) != 1 || s.Notes[0] != "2 recorded requests for other hosts than shop.example left out" {
			t.Errorf("notes %q", s.Notes)
		}
	}
}

func FuzzHAR(f *testing.F) {
	f.Add([]byte(recording))
	f.Add([]byte(`{"log":{"entries":[{"request":{"method":"GET","url":"http://x?"}}]}}`))
	f.Fuzz(func(t *testing.T, src []byte) {
		s, err := parseHAR("f.har", src)
		if err == nil {
			checkLoaded(t, s)
		}
	})
}

func FuzzHCL(f *testing.F) {
	for _, path := range []string{"testdata/wrong/all.hcl", "../../examples/httpbin/requests.hcl"} {
		src, err := os.ReadFile(path)
		if err != nil {
			f.Fatal(err)
		}
		for _, block := range strings.SplitAfter(string(src), "\n}\n") {
			if !costly(block) {
				f.Add([]byte(block))
			}
		}
	}
	dir := f.TempDir()
	f.Fuzz(func(t *testing.T, src []byte) {
		if costly(string(src)) {
			return
		}
		s, err := parseHCL(filepath.Join(dir, "f.hcl"), src)
		if err != nil {
			_ = err.Error()
			return
		}
		checkLoaded(t, s)
	})
}

// costly says that a file would read files of this machine, or spend its time in
// loops and large bodies, which whoever writes it wants.
func costly(src string) bool {
	for _, s := range []string{"body_file", "for", "range", "random"} {
		if strings.Contains(src, s) {
			return true
		}
	}
	return false
}

// checkLoaded says that whatever was loaded can be sent.
func checkLoaded(t *testing.T, s *Suite) {
	t.Helper()
	if len(s.Requests) == 0 {
		t.Error("no request was loaded, and no error told")
	}
	for _, r := range s.Requests {
		if err := r.check(); err != nil {
			t.Errorf("request %q was loaded and cannot be sent: %v", r.Name, err)
		}
	}
}
