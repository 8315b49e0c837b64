package proxy

import (
	"net/http"
	"sync"
)

// Switch sends each request to the handler that is current when it comes. The
// request stays with it to its end. Make one with NewSwitch.
type Switch[H http.Handler] struct {
	mu      sync.Mutex
	current *Turn[H]
}

// Turn is a handler, and the requests that are in flight to it.
type Turn[H http.Handler] struct {
	Handler H

	inFlight int
	over     bool
	closed   bool // drained is closed
	drained  chan struct{}
}

// NewSwitch returns a switch that sends all requests to h.
func NewSwitch[H http.Handler](h H) *Switch[H] { return &Switch[H]{current: newTurn(h)} }

func newTurn[H http.Handler](h H) *Turn[H] { return &Turn[H]{Handler: h, drained: make(chan struct{})} }

// ServeHTTP carries one request.
func (s *Switch[H]) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	t := s.Enter()
	defer s.Leave(t)
	t.Handler.ServeHTTP(w, r)
}

// Enter counts a request to the current handler, and Leave its end.
func (s *Switch[H]) Enter() *Turn[H] {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.current.inFlight++
	return s.current
}

// Leave ends what Enter began.
func (s *Switch[H]) Leave(t *Turn[H]) {
	s.mu.Lock()
	defer s.mu.Unlock()
	t.inFlight--
	t.check()
}

// InFlight is the number of requests to the current handler.
func (s *Switch[H]) InFlight() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.current.inFlight
}

// Swap sends all requests from now on to another handler, and returns the turn of
// the one before.
func (s *Switch[H]) Swap(h H) *Turn[H] {
	s.mu.Lock()
	defer s.mu.Unlock()
	old := s.current
	s.current = newTurn(h)
	old.end()
	return old
}

// End says that no request comes any more, and returns the current turn.
func (s *Switch[H]) End() *Turn[H] {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.current.end()
	return s.current
}

// Drained is closed when the turn is over and none of its requests is in flight.
func (t *Turn[H]) Drained() <-chan struct{} { return t.drained }

func (t *Turn[H]) end() {
	if !t.over {
		t.over = true
		t.check()
	}
}

func (t *Turn[H]) check() {
	if t.over && t.inFlight == 0 && !t.closed {
		t.closed = true
		close(t.drained)
	}
}
