package container

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"sync"
	"testing"
	"time"
)

// fakeRunner runs instances in this process.
type fakeRunner struct {
	handler http.Handler
	refuse  func(n int) error // why start number n fails, or nil

	mu        sync.Mutex
	instances []*fakeInstance
	started   chan *fakeInstance
}

func newFakeRunner(h http.Handler) *fakeRunner {
	return &fakeRunner{handler: h, started: make(chan *fakeInstance, 100)}
}

func (r *fakeRunner) Describe() string { return "fake" }

func (r *fakeRunner) Start(ctx context.Context, s Start) (Instance, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	n := len(r.instances)
	if r.refuse != nil {
		if err := r.refuse(n); err != nil {
			r.instances = append(r.instances, nil)
			return nil, err
		}
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	i := &fakeInstance{number: n, address: l.Addr().String(), done: make(chan struct{}), output: s.Stdout}
	i.server = &http.Server{DisableGeneralOptionsHandler: true, Handler: http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		w.Header().Set("Instance", fmt.Sprint(n))
		r.handler.ServeHTTP(w, req)
	})}
	go i.server.Serve(l)
	r.instances = append(r.instances, i)
	r.started <- i
	return i, nil
}

type fakeInstance struct {
	number  int
	address string
	server  *http.Server
	output  io.Writer
	done    chan struct{}
	once    sync.Once
}

func (i *fakeInstance) Address() string       { return i.address }
func (i *fakeInstance) Done() <-chan struct{} { return i.done }
func (i *fakeInstance) Exit() string          { return "it exited with status 7" }
func (i *fakeInstance) Code() int             { return 7 }
func (i *fakeInstance) Stop(time.Duration)    { i.die() }
func (i *fakeInstance) die()                  { i.once.Do(func() { i.server.Close(); close(i.done) }) }

type discardCloser struct{ io.Writer }

func (discardCloser) Close() error { return nil }

func newTestGroup(t testing.TB, r Runner, change func(*Config)) *Group {
	t.Helper()
	c := Config{
		Runner: r, Name: "test", Health: "/healthz", Start: 5 * time.Second,
		Log:    func() io.WriteCloser { return discardCloser{io.Discard} },
		Logger: log.New(io.Discard, "", 0),
	}
	if change != nil {
		change(&c)
	}
	g := NewGroup(c)
	t.Cleanup(g.Close)
	return g
}

var errNoRoom = errors.New("no room")
