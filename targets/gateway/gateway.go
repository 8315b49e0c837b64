// Package gateway is the program that stands before the containers of a Docker
// Engine. It runs in a container of its own, keeps its routes on disk, and is told
// of changes by commands in that container, so that it needs no access to the
// engine.
package gateway

import (
	"context"
	"errors"
	"fmt"
	"log"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/twofoldhq/twofold/targets/proxy"
	"github.com/twofoldhq/twofold/targets/queue"
	"github.com/twofoldhq/twofold/targets/schedule"
)

// Gateway routes requests. Make one with Open.
type Gateway struct {
	dir    string
	logger *log.Logger
	clock  schedule.Clock
	locks  locks

	certificates certificates

	mu     sync.Mutex
	state  state
	routes map[string]*route
	hosts  map[string]*route // by lower-case host name; "" takes the others
}

// route is a Route that is served.
type route struct {
	*proxy.Switch[*backends]
	name      string
	tls       bool
	tlsPort   int
	schedules *schedule.Runner
	queues    *queue.Runner

	// change is held while the route changes. Schedules that come due and messages of
	// queues wait for it.
	change sync.RWMutex
}

// Open returns a gateway with the routes that dir keeps.
func Open(dir string, clock schedule.Clock, logger *log.Logger) (*Gateway, error) {
	s, err := readState(dir)
	if err != nil {
		return nil, err
	}
	g := &Gateway{dir: dir, logger: logger, clock: clock, state: s, routes: map[string]*route{}}
	for name, r := range s.Routes {
		g.serve(name, r)
	}
	g.index()
	return g, nil
}

// serve makes requests go to a route from now on. It returns what served before.
// The mutex is held, or nobody knows the gateway yet.
func (g *Gateway) serve(name string, r Route) (before *proxy.Turn[*backends]) {
	next := newBackends(r, g.clock, g.logger)
	one := g.routes[name]
	if one == nil {
		one = &route{Switch: proxy.NewSwitch(next), name: name}
		log := func(line string) { g.logger.Print(name + ": " + line) }
		one.schedules = schedule.New(schedule.Config{Clock: g.clock, Fire: one.fire, Log: log})
		one.queues = queue.New(queue.Config{App: http.HandlerFunc(one.event), Ready: one.ready, Log: log})
		g.routes[name] = one
	} else {
		before = one.Swap(next)
	}
	one.tls, one.tlsPort = r.TLS, r.TLSPort
	one.schedules.Set(r.Schedules)
	one.queues.Set(r.Queues, g.state.Passwords)
	return before
}

// index makes the hosts anew. The mutex is held.
func (g *Gateway) index() {
	g.hosts = map[string]*route{}
	for name, r := range g.state.Routes {
		for _, host := range r.Hosts {
			g.hosts[strings.ToLower(host)] = g.routes[name]
		}
		if len(r.Hosts) == 0 {
			g.hosts[""] = g.routes[name]
		}
	}
}

func (g *Gateway) find(host string) *route {
	host = strings.ToLower(strings.TrimSuffix(withoutPort(host), "."))
	g.mu.Lock()
	defer g.mu.Unlock()
	if r := g.hosts[host]; r != nil {
		return r
	}
	return g.hosts[""]
}

// ServeHTTP carries one request.
func (g *Gateway) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	found := g.find(r.Host)
	if found == nil {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		w.WriteHeader(http.StatusNotFound)
		fmt.Fprintln(w, "twofold: nothing is deployed at this host name")
		return
	}
	found.ServeHTTP(w, r)
}

// Set makes a route be as it is given: its backends are awaited, then all requests
// go to them, then the requests in flight to those before are awaited. Until then
// nothing has changed for the clients, and a failure changes nothing. switched is
// called once the new backends have the requests, also after a restart.
func (g *Gateway) Set(ctx context.Context, name string, r Route, switched func()) error {
	if err := g.conflict(name, r); err != nil {
		return err
	}
	if err := ready(ctx, r); err != nil {
		return err
	}
	before, err := g.swap(name, r)
	if err != nil {
		return err
	}
	switched()
	if before == nil {
		return nil
	}
	defer before.Handler.close()
	limit := time.NewTimer(drainLimit(before.Handler.route.Timeout))
	defer limit.Stop()
	select {
	case <-before.Drained():
	case <-limit.C:
	case <-ctx.Done():
		return ctx.Err()
	}
	return nil
}

func (g *Gateway) swap(name string, r Route) (before *proxy.Turn[*backends], err error) {
	if one := g.route(name); one != nil {
		one.change.Lock()
		defer one.change.Unlock()
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	next := g.state
	next.Routes = maps.Clone(g.state.Routes)
	next.Routes[name] = r
	if err := next.write(g.dir); err != nil {
		return nil, err
	}
	g.state = next
	before = g.serve(name, r)
	g.index()
	return before, nil
}

func (g *Gateway) route(name string) *route {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.routes[name]
}

// conflict reports a host name that another route has.
func (g *Gateway) conflict(name string, r Route) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	for other, has := range g.state.Routes {
		if other == name {
			continue
		}
		for _, host := range r.Hosts {
			if slices.ContainsFunc(has.Hosts, func(h string) bool { return strings.EqualFold(h, host) }) {
				return fmt.Errorf("the domain %s belongs to %s: destroy that one, or give it another domain", host, other)
			}
		}
	}
	return nil
}

// drainLimit is how long requests in flight may hold up a switch.
func drainLimit(timeout time.Duration) time.Duration {
	const most = 30 * time.Second
	if timeout <= 0 {
		return most
	}
	return min(timeout, most)
}

// Remove removes a route. One that does not exist is no error.
func (g *Gateway) Remove(name string) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	one := g.routes[name]
	if one == nil {
		return nil
	}
	next := g.state
	next.Routes = maps.Clone(g.state.Routes)
	delete(next.Routes, name)
	if err := next.write(g.dir); err != nil {
		return err
	}
	g.state = next
	delete(g.routes, name)
	g.index()
	one.schedules.Stop()
	one.queues.Stop()
	one.End().Handler.close()
	return nil
}

// SetACME says where certificates come from.
func (g *Gateway) SetACME(a ACME) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.state.ACME == a {
		return nil
	}
	next := g.state
	next.ACME = a
	if err := next.write(g.dir); err != nil {
		return err
	}
	g.state = next
	return nil
}

// RouteStatus is how a route does.
type RouteStatus struct {
	Route
	// Ready are the backends that answer their health path now.
	Ready []string `json:"ready"`
	// InFlight is the number of requests that are being answered.
	InFlight int `json:"inFlight"`
	// Fired says when the schedules fired and will fire.
	Fired []schedule.Status `json:"fired,omitempty"`
	// Taken says how the queues do.
	Taken []queue.Status `json:"taken,omitempty"`
}

// Status asks all backends, and returns how each route does.
func (g *Gateway) Status(ctx context.Context) map[string]RouteStatus {
	g.mu.Lock()
	routes, live := maps.Clone(g.state.Routes), maps.Clone(g.routes)
	g.mu.Unlock()
	all := map[string]RouteStatus{}
	for name, r := range routes {
		all[name] = RouteStatus{
			Route: r, Ready: answering(ctx, r), InFlight: live[name].InFlight(),
			Fired: live[name].schedules.Status(), Taken: live[name].queues.Status(),
		}
	}
	return all
}

// answering are the backends that answer their health path now.
func answering(ctx context.Context, r Route) []string {
	ok := make([]bool, len(r.Backends))
	var all sync.WaitGroup
	for n, address := range r.Backends {
		all.Go(func() { _, ok[n] = probe(ctx, address, r.Health) })
	}
	all.Wait()
	ready := []string{}
	for n, address := range r.Backends {
		if ok[n] {
			ready = append(ready, address)
		}
	}
	return ready
}

// runLimit bounds a run of a service that sets no timeout.
const runLimit = time.Hour

// fire posts to a backend for a schedule.
func (r *route) fire(ctx context.Context, s schedule.Schedule, at time.Time) error {
	return schedule.Post(ctx, http.HandlerFunc(r.event), s, at)
}

// event carries a request that comes of a schedule or a queue, of which a switch waits
// for the end.
func (r *route) event(w http.ResponseWriter, req *http.Request) {
	r.change.RLock()
	turn := r.Enter()
	r.change.RUnlock()
	defer r.Leave(turn)
	limit := runLimit
	if t := turn.Handler.route.Timeout; t > 0 {
		limit = t + time.Second // the proxy's own limit says more
	}
	ctx, cancel := context.WithTimeout(req.Context(), limit)
	defer cancel()
	turn.Handler.ServeHTTP(w, req.WithContext(ctx))
}

// Close ends what goes on beside requests.
func (g *Gateway) Close() {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, r := range g.routes {
		r.schedules.Stop()
		r.queues.Stop()
		turn := r.Enter()
		turn.Handler.stop()
		r.Leave(turn)
	}
}

// errHeld is a lock that somebody else has.
var errHeld = errors.New("another deploy of it is under way")

// locks are held by whoever changes a route, one at a time a name.
type locks struct {
	mu   sync.Mutex
	held map[string]chan struct{}
}

// hold waits for a lock. waiting is called once if that takes time.
func (l *locks) hold(ctx context.Context, name string, waiting func()) (release func(), err error) {
	for {
		l.mu.Lock()
		if l.held == nil {
			l.held = map[string]chan struct{}{}
		}
		busy := l.held[name]
		if busy == nil {
			free := make(chan struct{})
			l.held[name] = free
			l.mu.Unlock()
			return func() {
				l.mu.Lock()
				delete(l.held, name)
				l.mu.Unlock()
				close(free)
			}, nil
		}
		l.mu.Unlock()
		waiting()
		waiting = func() {}
		select {
		case <-busy:
		case <-ctx.Done():
			return nil, errHeld
		}
	}
}
