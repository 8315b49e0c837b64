package container

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/twofoldhq/twofold/targets"
	"github.com/twofoldhq/twofold/targets/proxy"
)

// Config is what a Group runs.
type Config struct {
	Runner Runner
	// Name begins the name of each instance; unique on this machine.
	Name string
	// Instances is how many run; 0 means one.
	Instances int
	// Health is the path that answers 2xx when an instance is ready, Start how
	// long that may take.
	Health string
	Start  time.Duration
	// Timeout is how long the app may take until it begins to answer; 0 is no limit.
	Timeout time.Duration
	// Grace is how long an instance that was asked to end may take; 0 is 10 s.
	Grace time.Duration
	// Log receives what the instances print, in whole lines. Open returns a
	// writer for one stream of one instance, which is closed when it ends.
	Log func() io.WriteCloser
	// Logger receives what goes wrong, for the supervisor's own log.
	Logger *log.Logger
}

const (
	defaultGrace    = 10 * time.Second
	neverReadyGrace = time.Second
	// patience is how long a request waits for an instance that starts again.
	patience = 5 * time.Second
	// settling is how long the end of an instance that fails may take to be seen.
	settling = 250 * time.Millisecond
	// steady is how long an instance must live for its death to count as the first.
	steady                 = 10 * time.Second
	minBackoff, maxBackoff = 100 * time.Millisecond, 30 * time.Second
)

// Group keeps the instances of one deployment running.
type Group struct {
	config Config
	proxy  *proxy.Proxy
	closed chan struct{} // ends the keepers
	close  func()
	kept   sync.WaitGroup

	mu      sync.Mutex
	ready   []Instance
	next    int
	failure string        // why the last instance ended or did not get ready
	changed chan struct{} // closed and replaced when ready or failure change
}

// NewGroup returns a group that runs nothing yet.
func NewGroup(c Config) *Group {
	c.Instances = max(c.Instances, 1)
	if c.Grace == 0 {
		c.Grace = defaultGrace
	}
	g := &Group{config: c, changed: make(chan struct{}), closed: make(chan struct{})}
	g.close = sync.OnceFunc(func() { close(g.closed) })
	g.proxy = proxy.New(proxy.Config{Pick: g.pick, Lost: g.settle, AnswerWithin: c.Timeout, Logger: c.Logger})
	return g
}

// Start starts the instances and returns when all are ready. When one is not, it
// ends all and returns why, a *targets.NotHealthyError if it is the app's fault.
// Call it at most once, and not after Run.
func (g *Group) Start(ctx context.Context) error {
	first := make(chan error, g.config.Instances)
	g.keepAll(first, false)
	for range g.config.Instances {
		select {
		case err := <-first:
			if err != nil {
				g.Close()
				return err
			}
		case <-ctx.Done():
			g.Close()
			return ctx.Err()
		}
	}
	return nil
}

// Run starts the instances and goes on trying when that fails.
func (g *Group) Run() { g.keepAll(make(chan error, g.config.Instances), true) }

func (g *Group) keepAll(first chan<- error, persistent bool) {
	ctx, cancel := context.WithCancel(context.Background())
	go func() {
		<-g.closed
		cancel()
	}()
	for slot := range g.config.Instances {
		g.kept.Go(func() { g.keep(ctx, slot, first, persistent) })
	}
}

// Close ends all instances, each within the grace period, and returns when they
// are gone. Requests that are still in flight are lost.
func (g *Group) Close() {
	g.close()
	g.kept.Wait()
	g.proxy.Close()
}

// ServeHTTP carries a request to an instance.
func (g *Group) ServeHTTP(w http.ResponseWriter, r *http.Request) { g.proxy.ServeHTTP(w, r) }

// Describe says what runs the instances.
func (g *Group) Describe() string { return g.config.Runner.Describe() }

// Wait returns nil when an instance is ready, and an error when the last one
// failed and no other is ready.
func (g *Group) Wait(ctx context.Context) error {
	for {
		g.mu.Lock()
		ready, failure, changed := len(g.ready), g.failure, g.changed
		g.mu.Unlock()
		if ready > 0 {
			return nil
		}
		if failure != "" {
			return errors.New(failure)
		}
		select {
		case <-changed:
		case <-g.closed:
			return errors.New("it is being stopped")
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// State says how the group does; the detail explains a failure.
func (g *Group) State() (s targets.State, detail string, instances int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if len(g.ready) == 0 && g.failure != "" {
		return targets.Failing, g.failure, 0
	}
	return targets.Running, "", len(g.ready)
}

// keep keeps one instance running until the group is closed. It reports the first
// attempt on first; when that fails, only a persistent keeper goes on.
func (g *Group) keep(ctx context.Context, slot int, first chan<- error, persistent bool) {
	backoff := time.Duration(0)
	for attempt := 0; ; attempt++ {
		lived, err := g.live(ctx, fmt.Sprintf("%s-%d-%d", g.config.Name, slot, attempt), func() {
			if attempt == 0 {
				first <- nil
			}
		})
		if attempt == 0 && err != nil {
			first <- err
			if !persistent {
				return
			}
		}
		if ctx.Err() != nil {
			return
		}
		if lived >= steady {
			backoff = 0
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(backoff):
		}
		backoff = min(max(backoff*2, minBackoff), maxBackoff)
	}
}

// live runs one instance from its start to its end. It calls ready when the
// instance takes requests. The error says why it did not come so far.
func (g *Group) live(ctx context.Context, name string, ready func()) (lived time.Duration, err error) {
	output := new(Tail)
	stdout, stderr := g.config.Log(), g.config.Log()
	defer stdout.Close()
	defer stderr.Close()
	i, err := g.config.Runner.Start(ctx, Start{
		Name:   name,
		Stdout: io.MultiWriter(output, stdout),
		Stderr: io.MultiWriter(output, stderr),
	})
	if err != nil {
		g.failed(err.Error(), "")
		return 0, err
	}
	// One that never got ready holds nothing worth a long goodbye.
	grace := neverReadyGrace
	defer func() { i.Stop(grace) }()

	if err := waitReady(ctx, i, g.config.Health, g.config.Start, output); err != nil {
		var unhealthy *targets.NotHealthyError
		if errors.As(err, &unhealthy) {
			g.failed(unhealthy.Error(), unhealthy.Output)
		}
		return 0, err
	}
	grace = g.config.Grace
	began := time.Now()
	g.add(i)
	ready()
	select {
	case <-ctx.Done():
		g.remove(i)
	case <-i.Done():
		g.remove(i)
		g.failed("the app died: "+i.Exit(), output.String())
		g.config.Logger.Printf("%s: %s", name, i.Exit())
	}
	return time.Since(began), nil
}

func (g *Group) failed(reason, output string) {
	if output != "" {
		reason += "; its last output:\n" + output
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.failure = reason
	g.announce()
}

func (g *Group) add(i Instance) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.ready = append(g.ready, i)
	g.failure = ""
	g.announce()
}

func (g *Group) remove(i Instance) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for n, r := range g.ready {
		if r == i {
			g.ready = append(g.ready[:n:n], g.ready[n+1:]...)
			break
		}
	}
	g.announce()
}

func (g *Group) announce() {
	close(g.changed)
	g.changed = make(chan struct{})
}

// pick returns the address of the instance whose turn it is. While none is
// ready it waits for one, though not for long.
func (g *Group) pick(ctx context.Context) (string, error) {
	deadline := time.NewTimer(patience)
	defer deadline.Stop()
	for {
		g.mu.Lock()
		if n := len(g.ready); n > 0 {
			g.next++
			address := g.ready[g.next%n].Address()
			g.mu.Unlock()
			return address, nil
		}
		changed, failure := g.changed, g.failure
		g.mu.Unlock()
		select {
		case <-changed:
		case <-g.closed:
			return "", &proxy.NoInstanceError{Reason: "the deployment is being stopped"}
		case <-ctx.Done():
			return "", ctx.Err()
		case <-deadline.C:
			if failure == "" {
				return "", &proxy.NoInstanceError{Reason: "no instance of the app is ready yet"}
			}
			return "", &proxy.NoInstanceError{Reason: "no instance of the app runs; `twofold status` and `twofold logs` say why"}
		}
	}
}

// settle waits a moment for the end of an instance that closed a connection
// without an answer: most often it is dying. Whoever is told of the failure and
// asks again is then not sent to it.
func (g *Group) settle(address string) {
	limit := time.NewTimer(settling)
	defer limit.Stop()
	for {
		g.mu.Lock()
		ready := slices.ContainsFunc(g.ready, func(i Instance) bool { return i.Address() == address })
		changed := g.changed
		g.mu.Unlock()
		if !ready {
			return
		}
		select {
		case <-changed:
		case <-g.closed:
			return
		case <-limit.C:
			return
		}
	}
}
