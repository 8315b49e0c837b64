package host

import (
	"context"
	"log"
	"net"
	"net/http"
	"sync"
	"time"
)

// gateway is what listens at a deployment's URL. Each request goes to the
// workload that is current when it comes, and stays with it to its end.
type gateway struct {
	server *http.Server

	mu      sync.Mutex
	current *serving
}

// serving is a workload and the requests that are in flight to it.
type serving struct {
	workload workload
	inFlight int
	retired  bool
	drained  chan struct{} // closed when it is retired and nothing is in flight
}

func newServing(w workload) *serving { return &serving{workload: w, drained: make(chan struct{})} }

// newGateway serves on a listener until it is closed.
func newGateway(l net.Listener, w workload, logger *log.Logger) *gateway {
	g := &gateway{current: newServing(w)}
	g.server = &http.Server{
		Handler:                      g,
		ReadHeaderTimeout:            time.Minute,
		ErrorLog:                     logger,
		DisableGeneralOptionsHandler: true, // OPTIONS * is the app's to answer
	}
	go g.server.Serve(l)
	return g
}

func (g *gateway) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s := g.enter()
	defer g.leave(s)
	s.workload.ServeHTTP(w, r)
}

func (g *gateway) enter() *serving {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.current.inFlight++
	return g.current
}

func (g *gateway) leave(s *serving) {
	g.mu.Lock()
	defer g.mu.Unlock()
	s.inFlight--
	s.check()
}

func (s *serving) check() {
	if s.retired && s.inFlight == 0 {
		close(s.drained)
	}
}

// swap sends all requests from now on to another workload. The result is the
// one before, which still has requests in flight until its drained is closed.
func (g *gateway) swap(w workload) *serving {
	g.mu.Lock()
	defer g.mu.Unlock()
	old := g.current
	g.current = newServing(w)
	old.retired = true
	old.check()
	return old
}

// close stops listening, waits for the requests in flight until ctx ends, and
// cuts off the others.
func (g *gateway) close(ctx context.Context) {
	if g.server.Shutdown(ctx) == nil {
		// Shutdown does not know the connections that were upgraded.
		g.mu.Lock()
		s := g.current
		s.retired = true
		s.check()
		g.mu.Unlock()
		select {
		case <-s.drained:
		case <-ctx.Done():
		}
	}
	g.server.Close()
}
