package queue

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"sync"
)

// Config is what a Runner works with.
type Config struct {
	// App takes the requests. It may panic with http.ErrAbortHandler, as a proxy does
	// when an answer is cut off.
	App http.Handler
	// Ready returns nil when the app can take requests. It is asked at first, and after
	// a message failed: an app that is down would make all of them fail for good.
	Ready func(context.Context) error
	// Log takes a line about a message that failed, or a server that is away.
	Log func(line string)
}

// Runner takes the messages of queues. Make one with New.
type Runner struct {
	config Config

	mu     sync.Mutex
	active map[string]*active // by the trigger's name
	all    sync.WaitGroup
}

// active is a queue whose messages are taken.
type active struct {
	*worker
	password string
	stop     context.CancelFunc
	ended    chan struct{}
}

// New returns a runner without queues.
func New(c Config) *Runner { return &Runner{config: c, active: map[string]*active{}} }

// Set replaces the queues. passwords are those of the servers, by the names of secrets.
// One that stays as it was goes on undisturbed. Of one that changes or goes, the request
// that is under way is awaited before its successor begins, and the messages that were
// taken with it are given back. Set itself does not wait.
func (r *Runner) Set(list []Queue, passwords map[string]string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	before := r.active
	r.active = make(map[string]*active, len(list))
	for _, q := range list {
		old, password := before[q.Name], ""
		if q.Password != "" {
			password = passwords[q.Password]
		}
		if old != nil && old.queue == q && old.password == password {
			r.active[q.Name] = old
			continue
		}
		r.active[q.Name] = r.start(q, password, old)
	}
	for name, old := range before {
		if r.active[name] != old {
			old.stop()
		}
	}
}

// start begins with a queue when its predecessor, which may be nil, has ended.
func (r *Runner) start(q Queue, password string, before *active) *active {
	ctx, stop := context.WithCancel(context.Background())
	a := &active{worker: newWorker(q, r.config), password: password, stop: stop, ended: make(chan struct{})}
	r.all.Go(func() {
		defer close(a.ended)
		if before != nil {
			<-before.ended
		}
		a.run(ctx, password)
	})
	return a
}

// Stop takes no messages from now on. Requests that are under way go on.
func (r *Runner) Stop() { r.Set(nil, nil) }

// Wait returns when nothing is under way any more. Call it after Stop.
func (r *Runner) Wait() { r.all.Wait() }

// Status says how each queue does, sorted by name.
func (r *Runner) Status() []Status {
	r.mu.Lock()
	defer r.mu.Unlock()
	var list []Status
	for name, a := range r.active {
		list = append(list, Status{Name: name, Problem: a.problemNow()})
	}
	slices.SortFunc(list, func(a, b Status) int { return strings.Compare(a.Name, b.Name) })
	return list
}
