package gateway

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/twofoldhq/twofold/targets/proxy"
	"github.com/twofoldhq/twofold/targets/schedule"
)

// patience is how long a request waits for a backend that starts again.
const patience = 5 * time.Second

// backends are the instances of one revision, behind a proxy.
type backends struct {
	route Route
	proxy *proxy.Proxy
	pass  *proxy.Proxy // for requests that another gateway sends

	// stop ends what looks at the backends.
	stop context.CancelFunc

	mu      sync.Mutex
	turn    int
	resting map[string]time.Time // since when
	ailing  map[string]bool
}

func newBackends(r Route, clock schedule.Clock, logger *log.Logger) *backends {
	b := &backends{route: r, resting: map[string]time.Time{}, ailing: map[string]bool{}}
	ctx, stop := context.WithCancel(context.Background())
	b.stop = stop
	if len(r.Backends) > 1 {
		for _, address := range r.Backends {
			go b.lookAt(ctx, address, clock)
		}
	}
	c := proxy.Config{Pick: b.pick, Lost: b.lost, Refused: b.lost, Patience: patience, AnswerWithin: r.Timeout, Logger: logger}
	b.proxy = proxy.New(c)
	c.Behind = true
	b.pass = proxy.New(c)
	return b
}

func (b *backends) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if passed(r) {
		b.pass.ServeHTTP(w, r)
		return
	}
	b.proxy.ServeHTTP(w, r)
}

func (b *backends) close() {
	b.stop()
	b.proxy.Close()
	b.pass.Close()
}

// rest is how long a backend that took no connection, or closed one without an
// answer, gets no requests while there are others: it is dying, or starts again.
const rest = time.Second

// pick returns the backend whose turn it is. One that ails or rests is passed over,
// unless all do.
func (b *backends) pick(ctx context.Context) (string, error) {
	list := b.route.Backends
	if len(list) == 0 {
		return "", &proxy.NoInstanceError{Reason: "nothing is deployed here"}
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.turn++
	best, least := "", 0
	for n := range list {
		address := list[(b.turn+n)%len(list)]
		trouble := 0
		if since, ok := b.resting[address]; ok && time.Since(since) <= rest {
			trouble = 1
		}
		if b.ailing[address] {
			trouble = 2
		}
		if best == "" || trouble < least {
			best, least = address, trouble
		}
	}
	return best, nil
}

// Backends that share a route are looked at this often, and one that does not answer
// its health path so many times in a row ails: the numbers of the readiness probe of
// the target Kubernetes.
const lookEvery, misses = 5 * time.Second, 3

// lookAt asks a backend for its health path until the context ends.
func (b *backends) lookAt(ctx context.Context, address string, clock schedule.Clock) {
	for missed, next := 0, clock.Now(); ; {
		next = next.Add(lookEvery)
		come, giveUp := clock.At(next)
		select {
		case <-come:
		case <-ctx.Done():
			giveUp()
			return
		}
		if _, ok := probe(ctx, address, b.route.Health); ok {
			missed = 0
		} else {
			missed++
		}
		b.mu.Lock()
		b.ailing[address] = missed >= misses
		b.mu.Unlock()
	}
}

func (b *backends) lost(address string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.resting[address] = time.Now()
}

// ready returns nil when all backends answer their health path.
func ready(ctx context.Context, r Route) error {
	start := r.Start
	if start <= 0 {
		start = 30 * time.Second
	}
	ctx, cancel := context.WithTimeoutCause(ctx, start, errTooLate)
	defer cancel()
	results := make(chan error, len(r.Backends))
	for _, address := range r.Backends {
		go func() { results <- backendReady(ctx, address, r.Health, start) }()
	}
	var problems []error
	for range r.Backends {
		if err := <-results; err != nil {
			problems = append(problems, err)
			cancel()
		}
	}
	if len(problems) > 0 {
		return problems[0]
	}
	return nil
}

var errTooLate = errors.New("the time to get ready is over")

func backendReady(ctx context.Context, address, path string, limit time.Duration) error {
	pause := 5 * time.Millisecond
	last := "it does not listen on $PORT"
	for {
		answer, ok := probe(ctx, address, path)
		if ok {
			return nil
		}
		if answer != "" {
			last = answer
		}
		select {
		case <-ctx.Done():
			if context.Cause(ctx) == errTooLate {
				return fmt.Errorf("after %s, %s", limit, last)
			}
			return ctx.Err()
		case <-time.After(pause):
		}
		pause = min(pause*3/2, 100*time.Millisecond)
	}
}

// probe asks once. Its first result is what the app answered, for the error, or ""
// if it does not listen yet.
func probe(ctx context.Context, address, path string) (answer string, ok bool) {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	// Names and connections of one network come at once; the name of a container that
	// is gone is also asked of servers elsewhere, which may never answer.
	dialer := &net.Dialer{Timeout: time.Second}
	if path == "" {
		conn, err := dialer.DialContext(ctx, "tcp", address)
		if err != nil {
			return "", false
		}
		conn.Close()
		return "", true
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+address+path, nil)
	if err != nil {
		return fmt.Sprintf("its health path %q is not a path", path), false
	}
	req.Header.Set("User-Agent", "twofold-health")
	client := &http.Client{
		Transport:     &http.Transport{DialContext: dialer.DialContext, DisableKeepAlives: true, DisableCompression: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	resp, err := client.Do(req)
	if err != nil {
		return "", false
	}
	io.Copy(io.Discard, io.LimitReader(resp.Body, 64<<10))
	resp.Body.Close()
	if resp.StatusCode/100 == 2 {
		return "", true
	}
	return fmt.Sprintf("GET %s still answers %d, and 2xx means ready", path, resp.StatusCode), false
}
