package conformance

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"
)

// get returns the body of a 200 answer.
func get(ctx context.Context, c *http.Client, url string) (string, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return "", err
	}
	return send(c, req)
}

func send(c *http.Client, req *http.Request) (string, error) {
	resp, err := c.Do(req)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("status %d: %s", resp.StatusCode, body)
	}
	return string(body), err
}

// load sends requests at a rate, whatever their answers.
type load struct {
	stop func()

	mu       sync.Mutex
	sent     int
	failures []error
	answers  map[string]int
}

// inFlight is how many requests wait for their answers at most. It is below the
// scale of the suite's deployments, which may refuse what goes beyond that: a
// machine that is too busy gets fewer requests, not more at a time.
const inFlight = 16

// startLoad begins to send; result ends it.
func startLoad(ctx context.Context, c *http.Client, url string, rate int) *load {
	ctx, cancel := context.WithCancel(ctx)
	l := &load{answers: make(map[string]int)}
	var requests sync.WaitGroup
	room := make(chan struct{}, inFlight)
	requests.Go(func() {
		tick := time.NewTicker(time.Second / time.Duration(rate))
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
			}
			select {
			case room <- struct{}{}:
				requests.Go(func() {
					l.one(context.WithoutCancel(ctx), c, url)
					<-room
				})
			default:
			}
		}
	})
	l.stop = func() {
		cancel()
		requests.Wait()
	}
	return l
}

func (l *load) one(ctx context.Context, c *http.Client, url string) {
	body, err := get(ctx, c, url)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.sent++
	if err != nil {
		l.failures = append(l.failures, err)
		return
	}
	l.answers[body]++
}

// answered waits until n requests have got that answer.
func (l *load) answered(ctx context.Context, answer string, n int) error {
	for {
		l.mu.Lock()
		got := l.answers[answer]
		l.mu.Unlock()
		if got >= n {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%d of %d requests were answered %q: %w", got, n, answer, ctx.Err())
		case <-time.After(5 * time.Millisecond):
		}
	}
}
