package parity

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// rawServer answers each connection with fixed bytes and shows the bytes it got.
func rawServer(t *testing.T, answer string) (url string, got <-chan string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	requests := make(chan string, 100)
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				requests <- readRequest(conn)
				io.WriteString(conn, answer)
			}()
		}
	}()
	return "http://" + l.Addr().String(), requests
}

// readRequest reads one request without interpreting more than its length.
func readRequest(conn net.Conn) string {
	var raw strings.Builder
	br := bufio.NewReader(conn)
	length, chunked := 0, false
	for {
		line, err := br.ReadString('\n')
		raw.WriteString(line)
		if err != nil || line == "\r\n" {
			break
		}
		fmt.Sscanf(line, "Content-Length: %d", &length)
		chunked = chunked || line == "Transfer-Encoding: chunked\r\n"
	}
	for chunked {
		line, err := br.ReadString('\n')
		raw.WriteString(line)
		if err != nil || strings.HasSuffix(raw.String(), "\r\n0\r\n\r\n") {
			break
		}
	}
	io.CopyN(&raw, br, int64(length))
	return raw.String()
}

const okAnswer = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

func newTestEndpoint(t *testing.T, url string) *endpoint {
	t.Helper()
	e, err := newEndpoint(Side{Name: "image", URL: url}, DefaultHost)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func TestRequestGoesOutByteForByte(t *testing.T) {
	url, got := rawServer(t, okAnswer)
	e := newTestEndpoint(t, url)
	for _, path := range []string{
		"/", "/a%2Fb", "/a%2fb/%2e%2e/c", "/a/../b/./c", "//a//b", "/?", "/x?a=+&b=%20&c&=d&&e=",
		"/straße?q=漢字", "/%e6%bc%a2?q=%ff%zz%", "/;v=1?a;b", "/x?a=1?b=2", "*",
	} {
		r := &Request{Method: "GET", Path: path}
		if err := r.check(); err != nil {
			t.Errorf("%s: %v", path, err)
		}
		if _, err := e.exchange(t.Context(), r, path, ""); err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		want := "GET " + path + " HTTP/1.1\r\nHost: parity.local\r\nUser-Agent: twofold-parity\r\n\r\n"
		if raw := <-got; raw != want {
			t.Errorf("sent\n%q, want\n%q", raw, want)
		}
	}
}

func TestRequestHeadIsWhatTheFileSays(t *testing.T) {
	url, got := rawServer(t, okAnswer)
	e := newTestEndpoint(t, url)
	r := &Request{
		Method: "POST", Path: "/p", Body: []byte("abc"),
		Headers: []Header{{"x-tag", "b"}, {"Accept", "*/*"}, {"X-Tag", "a"}, {"User-Agent", "me"}, {"Cookie", "a=1"}, {"Host", "other.test:81"}},
	}
	if _, err := e.exchange(t.Context(), r, r.Path, "b=2; c=3"); err != nil {
		t.Fatal(err)
	}
	want := "POST /p HTTP/1.1\r\nHost: other.test:81\r\nx-tag: b\r\nAccept: */*\r\nX-Tag: a\r\nUser-Agent: me\r\n" +
		"Cookie: a=1; b=2; c=3\r\nContent-Length: 3\r\n\r\nabc"
	if raw := <-got; raw != want {
		t.Errorf("sent\n%q, want\n%q", raw, want)
	}
}

func TestBodyIsFramedAsTheFileSays(t *testing.T) {
	url, got := rawServer(t, okAnswer)
	e := newTestEndpoint(t, url+"/stage/")
	for _, c := range []struct {
		name    string
		request Request
		want    string
	}{
		{"a post without a body states its length", Request{Method: "POST"}, "Content-Length: 0\r\n\r\n"},
		{"a get without a body states none", Request{Method: "GET"}, "User-Agent: twofold-parity\r\n\r\n"},
		{"a get with a body", Request{Method: "GET", Body: []byte("x")}, "Content-Length: 1\r\n\r\nx"},
		{"chunks", Request{Method: "PUT", Body: []byte("hello"), Chunked: true}, "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"},
		{"no chunk", Request{Method: "PUT", Chunked: true}, "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n"},
	} {
		if _, err := e.exchange(t.Context(), &c.request, "/p", ""); err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		raw := <-got
		if !strings.HasPrefix(raw, c.request.Method+" /stage/p HTTP/1.1\r\n") || !strings.HasSuffix(raw, c.want) {
			t.Errorf("%s: sent %q, want the end %q", c.name, raw, c.want)
		}
	}
}

func TestAnswersAreReadWhole(t *testing.T) {
	for _, c := range []struct {
		name, method, raw string
		check             func(a *answer) bool
	}{
		{"1xx answers before", "GET", "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n" + okAnswer,
			func(a *answer) bool { return fmt.Sprint(a.informational) == "[103 100]" && string(a.body) == "ok" }},
		{"chunks and trailers", "GET", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n3\r\nabc\r\n0\r\nX-Sum: 9\r\n\r\n",
			func(a *answer) bool { return string(a.body) == "abc" && a.trailer.Get("X-Sum") == "9" }},
		{"the length of a head", "HEAD", "HTTP/1.1 200 OK\r\nContent-Length: 1234\r\n\r\n",
			func(a *answer) bool { return len(a.body) == 0 && a.header.Get("Content-Length") == "1234" }},
		{"no content", "GET", "HTTP/1.1 204 No Content\r\n\r\n", func(a *answer) bool { return a.status == 204 && len(a.body) == 0 }},
		{"a body that ends with the connection", "GET", "HTTP/1.1 200 OK\r\n\r\nabc", func(a *answer) bool { return string(a.body) == "abc" }},
		{"compressed bytes as they come", "GET", "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 3\r\n\r\n\x1f\x8b\x08",
			func(a *answer) bool {
				return string(a.body) == "\x1f\x8b\x08" && a.header.Get("Content-Encoding") == "gzip"
			}},
		{"an unknown status", "GET", "HTTP/1.1 799 Odd\r\nContent-Length: 0\r\n\r\n", func(a *answer) bool { return a.status == 799 }},
	} {
		a, err := receive(strings.NewReader(c.raw), c.method)
		if err != nil || !c.check(a) {
			t.Errorf("%s: answer %+v, error %v", c.name, a, err)
		}
	}
}

func TestAnswersThatAreNone(t *testing.T) {
	for _, c := range []struct{ name, raw, want string }{
		{"nothing", "", "closed without an answer"},
		{"half a head", "HTTP/1.1 200 OK\r\nX: y\r\n", "closed without an answer"},
		{"half a body", "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc", "ended after 3 of 10 bytes"},
		{"half of its chunks", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n", "cut short after 3 bytes"},
		{"another protocol", "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n", "switched protocols"},
		{"no HTTP", "SSH-2.0-OpenSSH_9.9\r\n", "malformed"},
		{"an endless head", "HTTP/1.1 200 OK\r\nX: " + strings.Repeat("x", 2<<20), "larger than 1048576 bytes"},
		{"endless hints", strings.Repeat("HTTP/1.1 103 Early Hints\r\n\r\n", 200), "more than 100 informational"},
		{"too much", fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s", MaxBody+1, strings.Repeat("x", MaxBody+1)), "larger than 64 MB"},
	} {
		a, err := receive(strings.NewReader(c.raw), "GET")
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: answer %v, error %v, want %q", c.name, a != nil, err, c.want)
		}
	}
}

func TestAnswerBeforeTheBodyIsRead(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Early", "yes")
		io.WriteString(w, strings.Repeat("early ", 10_000))
	}))
	defer server.Close()
	r := &Request{Method: "POST", Path: "/", Body: randomBytes(8<<20, 1)}
	a, err := newTestEndpoint(t, server.URL).exchange(t.Context(), r, r.Path, "")
	if err != nil {
		t.Fatal(err)
	}
	if len(a.body) != 60_000 || a.header.Get("X-Early") != "yes" {
		t.Errorf("got %d bytes", len(a.body))
	}
}

func TestMegabytesBothWays(t *testing.T) {
	body := randomBytes(1<<20, 7)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		got, _ := io.ReadAll(r.Body)
		w.Write(got)
	}))
	defer server.Close()
	for _, chunked := range []bool{false, true} {
		r := &Request{Method: "POST", Path: "/", Body: body, Chunked: chunked}
		a, err := newTestEndpoint(t, server.URL).exchange(t.Context(), r, r.Path, "")
		if err != nil || !bytes.Equal(a.body, body) {
			t.Errorf("chunked %v: the body came back otherwise: %v", chunked, err)
		}
	}
}

func TestSideWithTLS(t *testing.T) {
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, r.Host) }))
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.StartTLS()
	defer server.Close()
	e := newTestEndpoint(t, server.URL)
	if _, err := e.exchange(t.Context(), &Request{Method: "GET"}, "/", ""); err == nil || !strings.Contains(err.Error(), "certificate") {
		t.Errorf("a certificate that nobody signed was accepted: %v", err)
	}
	e.tls.RootCAs = server.Client().Transport.(*http.Transport).TLSClientConfig.RootCAs
	e.tls.ServerName = "example.com"
	a, err := e.exchange(t.Context(), &Request{Method: "GET"}, "/", "")
	if err != nil || string(a.body) != DefaultHost {
		t.Errorf("answer %v, error %v", a, err)
	}
}

func TestTimeoutSaysHowLong(t *testing.T) {
	release := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-release }))
	defer server.Close()
	defer close(release)
	_, out := ask(t.Context(), newTestEndpoint(t, server.URL), &Request{Method: "GET", Path: "/"}, nil, 50*time.Millisecond)
	if out.Error != "no answer within 50ms" {
		t.Errorf("error %q", out.Error)
	}
}

func TestCancelEndsAnExchange(t *testing.T) {
	entered, release := make(chan struct{}), make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { close(entered); <-release }))
	defer server.Close()
	defer close(release)
	ctx, cancel := context.WithCancel(t.Context())
	go func() { <-entered; cancel() }()
	s := &Suite{Source: "s", Requests: []Request{{Name: "r", Method: "GET", Path: "/"}}}
	side := Side{Name: "image", URL: server.URL}
	if _, err := Replay(ctx, s, side, Side{Name: "bundle", URL: "http://127.0.0.1:1"}, Options{}); err == nil || !strings.Contains(err.Error(), "canceled") {
		t.Errorf("error %v", err)
	}
}

func TestSideThatCannotBeAsked(t *testing.T) {
	for _, c := range []struct{ url, host, want string }{
		{"127.0.0.1:80", "", "image"},
		{"ftp://x/", "", "http:// or https://"},
		{"http:///x", "", "has no host"},
		{"http://x/", "a b", "no host name"},
		{"http://x/", "a\r\nX: y", "no host name"},
	} {
		_, err := newEndpoint(Side{Name: "image", URL: c.url, Host: c.host}, DefaultHost)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want %q", c.url, err, c.want)
		}
	}
}
