package container

import (
	"bufio"
	"bytes"
	"crypto/rand"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// serve starts a group of one instance behind a real listener.
func serve(t *testing.T, h http.HandlerFunc, change func(*Config)) (address string) {
	t.Helper()
	g := newTestGroup(t, newFakeRunner(h), func(c *Config) {
		c.Health = "" // all paths are the test's
		if change != nil {
			change(c)
		}
	})
	if err := g.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	front := httptest.NewUnstartedServer(g)
	front.Config.DisableGeneralOptionsHandler = true
	front.Start()
	t.Cleanup(front.Close)
	return front.Listener.Addr().String()
}

// exchange sends raw bytes and returns the answer.
func exchange(t *testing.T, address, request string) *http.Response {
	t.Helper()
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	io.WriteString(conn, request)
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	return resp
}

func TestRequestTargetArrivesByteForByte(t *testing.T) {
	address := serve(t, func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, "%s %s", r.Method, r.RequestURI)
	}, nil)
	for _, target := range []string{
		"/", "/a%2Fb/c", "/a+b%20c", "/?", "/?a=1;b=2&c", "/?q=%zz&%", "/?a=b+c%2Bd&a=&a", "/%F0%9F%8C%8D",
		"/a|b^c", "/a//b/../c/.", "//double", "/caf%c3%a9?x=%c3%A9", "/%41?%41", "/?a=b?c=d", "/a;b=c",
	} {
		resp := exchange(t, address, "GET "+target+" HTTP/1.1\r\nHost: x\r\n\r\n")
		body, _ := io.ReadAll(resp.Body)
		if string(body) != "GET "+target {
			t.Errorf("sent %q, the app got %q", "GET "+target, body)
		}
	}
	resp := exchange(t, address, "OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n")
	if body, _ := io.ReadAll(resp.Body); string(body) != "OPTIONS *" {
		t.Errorf("sent OPTIONS *, the app got %q", body)
	}
}

func TestHeadersThatTheProxySetsAndKeeps(t *testing.T) {
	var got *http.Request
	address := serve(t, func(w http.ResponseWriter, r *http.Request) { got = r.Clone(r.Context()) }, nil)
	exchange(t, address, "GET / HTTP/1.1\r\nHost: shop.example:8443\r\nForwarded: for=10.0.0.1\r\nX-Twice: a\r\nX-Twice: b\r\n"+
		"X-Forwarded-For: 10.0.0.1\r\nKeep-Alive: 5\r\nConnection: X-Hop\r\nX-Hop: 1\r\n\r\n")
	want := http.Header{
		"X-Twice":           {"a", "b"},
		"Forwarded":         {"for=10.0.0.1"},
		"X-Forwarded-For":   {"10.0.0.1, 127.0.0.1"},
		"X-Forwarded-Proto": {"http"},
		"X-Forwarded-Port":  {"8443"},
	}
	if got.Host != "shop.example:8443" {
		t.Errorf("Host %q", got.Host)
	}
	for name, values := range want {
		if fmt.Sprint(got.Header[name]) != fmt.Sprint(values) {
			t.Errorf("%s = %q, want %q", name, got.Header[name], values)
		}
	}
	if len(got.Header) != len(want) {
		t.Errorf("headers %v, want only %v", got.Header, want)
	}
}

func TestAnswerIsNotChanged(t *testing.T) {
	address := serve(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header()["Content-Type"] = nil // none: the proxy must not guess one
		w.Header().Add("Set-Cookie", "a=1")
		w.Header().Add("Set-Cookie", "b=2")
		w.Header().Set("Content-Encoding", "br")
		w.WriteHeader(http.StatusTeapot)
		io.WriteString(w, "<html>")
	}, nil)
	resp := exchange(t, address, "GET / HTTP/1.1\r\nHost: x\r\n\r\n")
	body, _ := io.ReadAll(resp.Body)
	if resp.StatusCode != http.StatusTeapot || string(body) != "<html>" || len(resp.Header["Set-Cookie"]) != 2 {
		t.Errorf("answer %v %q", resp, body)
	}
	if got, there := resp.Header["Content-Type"]; there {
		t.Errorf("Content-Type %q was added", got)
	}
}

func TestBigBodiesPassBothWays(t *testing.T) {
	address := serve(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		w.Write(body)
	}, nil)
	sent := make([]byte, 3<<20)
	rand.Read(sent)
	resp, err := http.Post("http://"+address, "application/octet-stream", bytes.NewReader(sent))
	if err != nil {
		t.Fatal(err)
	}
	got, _ := io.ReadAll(resp.Body)
	if !bytes.Equal(sent, got) {
		t.Errorf("sent %d bytes, got %d", len(sent), len(got))
	}
}

func TestAnswerIsStreamed(t *testing.T) {
	more := make(chan struct{})
	address := serve(t, func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, "first")
		w.(http.Flusher).Flush()
		<-more
		io.WriteString(w, "second")
	}, nil)
	resp, err := http.Get("http://" + address)
	if err != nil {
		t.Fatal(err)
	}
	first := make([]byte, 5)
	if _, err := io.ReadFull(resp.Body, first); err != nil {
		t.Fatal(err)
	}
	close(more)
	rest, _ := io.ReadAll(resp.Body)
	if string(first)+string(rest) != "firstsecond" {
		t.Errorf("got %q then %q", first, rest)
	}
}

func TestUpgradedConnectionsCarryBytesBothWays(t *testing.T) {
	address := serve(t, func(w http.ResponseWriter, r *http.Request) {
		conn, buffered, err := w.(http.Hijacker).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		defer conn.Close()
		io.WriteString(conn, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n")
		line, _ := buffered.ReadString('\n')
		io.WriteString(conn, "echo "+line)
	}, nil)
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	io.WriteString(conn, "GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n")
	r := bufio.NewReader(conn)
	resp, err := http.ReadResponse(r, nil)
	if err != nil || resp.StatusCode != http.StatusSwitchingProtocols {
		t.Fatalf("answer %v %v", resp, err)
	}
	io.WriteString(conn, "hello\n")
	if line, _ := r.ReadString('\n'); line != "echo hello\n" {
		t.Errorf("got %q", line)
	}
}

func TestAppThatBreaksOffIsA502AndASlowOneA504(t *testing.T) {
	release := make(chan struct{})
	t.Cleanup(func() { close(release) })
	address := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/slow" {
			<-release
		}
		panic(http.ErrAbortHandler)
	}, func(c *Config) { c.Timeout = 100 * time.Millisecond })
	for path, want := range map[string]int{"/": http.StatusBadGateway, "/slow": http.StatusGatewayTimeout} {
		resp, err := http.Get("http://" + address + path)
		if err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(resp.Body)
		if resp.StatusCode != want || !strings.HasPrefix(string(body), "twofold: ") {
			t.Errorf("GET %s: %d %q, want %d", path, resp.StatusCode, body, want)
		}
	}
}
