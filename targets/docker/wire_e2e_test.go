//go:build e2e

package docker

import (
	"bufio"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/twofoldhq/twofold/targets/gateway"
)

// point is a moment of an operation, between two of its calls to the engine.
type point struct {
	call int // the first is 1
	// after is whether the engine has carried the call out. Otherwise the call never
	// reaches it.
	after bool
	// within is after how many bytes of the call's body it is, or 0.
	within int64
}

// wire stands between the target and an engine, and cuts the operation off at a
// point: nothing of it reaches the engine from then on, as when its process is
// killed. Calls that only look are not counted.
type wire struct {
	address string // for DOCKER_HOST
	engine  string // the engine's socket
	// silent is whether a cut ends no connection: what is sent goes nowhere, and
	// neither side is told.
	silent bool
	// alone is whether a cut ends one connection, and the others go on.
	alone bool
	// then, if not nil, is called when a silent cut has come.
	then func()

	mu    sync.Mutex
	at    point
	cut   bool
	calls []string
	conns map[net.Conn]bool
	again chan struct{} // closed when the network is whole again after a silent cut
}

func startWire(t *testing.T, engine string) *wire {
	t.Helper()
	dir, err := os.MkdirTemp("", "wire-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	path := filepath.Join(dir, "docker.sock")
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	w := &wire{address: "unix://" + path, engine: strings.TrimPrefix(engine, "unix://"), conns: map[net.Conn]bool{}, again: make(chan struct{})}
	t.Cleanup(func() {
		l.Close()
		w.sever()
		close(w.again)
	})
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go w.carry(conn)
		}
	}()
	return w
}

// set begins to count anew. The zero point is none.
func (w *wire) set(at point) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.at, w.cut, w.calls = at, false, nil
	close(w.again)
	w.again = make(chan struct{})
}

func (w *wire) made() ([]string, bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.calls, w.cut
}

// sever ends all connections, and takes no more.
func (w *wire) sever() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.cut = true
	for conn := range w.conns {
		conn.Close()
	}
	clear(w.conns)
}

// keep remembers a connection, unless nothing is carried any more.
func (w *wire) keep(conn net.Conn) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.cut && !w.silent {
		conn.Close()
		return false
	}
	w.conns[conn] = true
	return true
}

func (w *wire) count(name string) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.calls = append(w.calls, name)
	return len(w.calls)
}

// reached ends everything when the operation is at its point.
func (w *wire) reached(p point) bool {
	w.mu.Lock()
	hit := w.at == p
	w.mu.Unlock()
	if !hit || w.alone {
		return hit
	}
	if !w.silent {
		w.sever()
		return true
	}
	w.mu.Lock()
	w.cut = true
	w.mu.Unlock()
	if w.then != nil {
		w.then()
	}
	return !w.passes()
}

// passes reports whether anything is carried. In a silent cut it returns when the
// network is whole again, which is too late for what was on the way.
func (w *wire) passes() bool {
	w.mu.Lock()
	cut, again := w.cut, w.again
	w.mu.Unlock()
	if cut && w.silent {
		<-again
	}
	return !cut
}

// carry takes the requests of one connection, each over a connection of its own to
// the engine.
func (w *wire) carry(conn net.Conn) {
	defer conn.Close()
	if !w.keep(conn) {
		return
	}
	in := bufio.NewReader(conn)
	for {
		r, err := http.ReadRequest(in)
		if err != nil || !w.one(conn, in, r) {
			return
		}
	}
}

var apiVersion = regexp.MustCompile(`^/v[0-9.]+`)

// one carries a request. It reports whether another one can follow.
func (w *wire) one(conn net.Conn, in *bufio.Reader, r *http.Request) bool {
	if !w.passes() {
		return false
	}
	engine, err := net.Dial("unix", w.engine)
	if err != nil || !w.keep(engine) {
		return false
	}
	defer engine.Close()
	path := apiVersion.ReplaceAllString(r.URL.Path, "")
	stream := r.Header.Get("Upgrade") != ""
	n := 0
	if r.Method != http.MethodGet && r.Method != http.MethodHead && !stream && !strings.HasSuffix(path, "/exec") && !strings.HasSuffix(path, "/wait") {
		if n = w.count(r.Method + " " + path); w.reached(point{call: n}) {
			return false
		}
	}
	if r.Body != http.NoBody {
		r.Body = &measured{ReadCloser: r.Body, wire: w, call: n}
	}
	r.URL = &url.URL{Path: r.URL.Path, RawPath: r.URL.RawPath, RawQuery: r.URL.RawQuery}
	if r.Write(engine) != nil {
		return false
	}
	out := bufio.NewReader(engine)
	resp, err := http.ReadResponse(out, r)
	if err != nil {
		return false
	}
	if stream && resp.StatusCode == http.StatusSwitchingProtocols {
		resp.Write(conn)
		w.stream(conn, in, engine, out)
		return false
	}
	if n > 0 {
		body, err := io.ReadAll(resp.Body)
		if err != nil || w.reached(point{call: n, after: true}) {
			return false
		}
		resp.Body, resp.ContentLength, resp.TransferEncoding = io.NopCloser(strings.NewReader(string(body))), int64(len(body)), nil
	}
	return w.passes() && resp.Write(conn) == nil && !resp.Close
}

// stream carries a command to a gateway, or another stream. A command is over when
// the gateway has answered, and a switch also when it says that it has switched.
func (w *wire) stream(conn net.Conn, in *bufio.Reader, engine net.Conn, out *bufio.Reader) {
	var mu sync.Mutex
	n := 0
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		defer engine.Close()
		line, err := in.ReadBytes('\n')
		if err != nil {
			return
		}
		var req gateway.Request
		if json.Unmarshal(line, &req) == nil && req.Op != gateway.OpStatus {
			number := w.count("gateway " + req.Op)
			if w.reached(point{call: number}) {
				return
			}
			mu.Lock()
			n = number
			mu.Unlock()
		}
		if _, err := engine.Write(line); err == nil {
			w.copy(engine, in)
		}
	}()
	piece := make([]byte, 32<<10)
	for {
		size, err := out.Read(piece)
		mu.Lock()
		number := n
		mu.Unlock()
		if size > 0 && number > 0 && w.reached(point{call: number, after: true}) {
			break
		}
		if !w.passes() {
			break
		}
		if _, writeErr := conn.Write(piece[:size]); err != nil || writeErr != nil {
			break
		}
	}
	conn.Close()
	engine.Close()
	<-ended
}

func (w *wire) copy(to io.Writer, from io.Reader) {
	piece := make([]byte, 32<<10)
	for {
		size, err := from.Read(piece)
		if err == nil && !w.passes() {
			return
		}
		if _, writeErr := to.Write(piece[:size]); err != nil || writeErr != nil {
			return
		}
	}
}

// measured is the body of a call, which may be cut off within.
type measured struct {
	io.ReadCloser
	wire *wire
	call int
	read int64
}

func (m *measured) Read(p []byte) (int, error) {
	n, err := m.ReadCloser.Read(p)
	m.read += int64(n)
	m.wire.mu.Lock()
	at := m.wire.at
	m.wire.mu.Unlock()
	if m.call > 0 && at.call == m.call && at.within > 0 && m.read >= at.within && m.wire.reached(at) {
		return 0, io.ErrUnexpectedEOF
	}
	return n, err
}
