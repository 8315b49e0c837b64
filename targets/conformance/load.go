package conformance

import (
	"context"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
)

// Load sends requests at a rate, whatever becomes of those before: every second one
// over a connection of its own, the others over connections that are kept.
type Load struct {
	url string
	end context.CancelFunc
	all sync.WaitGroup

	mu       sync.Mutex
	began    time.Time
	took     time.Duration
	sent     int
	answers  map[string]int
	failures map[string]int
	slowest  time.Duration
	arrived  chan struct{} // closed and made anew with each answer
}

// StartLoad begins to send GET requests, rate of them a second, until Stop or until the
// context ends.
func StartLoad(ctx context.Context, url string, rate int) *Load {
	ctx, end := context.WithCancel(ctx)
	l := &Load{
		url: url, end: end, began: time.Now(), arrived: make(chan struct{}),
		answers: map[string]int{}, failures: map[string]int{},
	}
	kept := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 64}, Timeout: time.Minute}
	fresh := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: time.Minute}
	l.all.Go(func() {
		defer kept.CloseIdleConnections()
		for n := 0; ; n++ {
			// What was late is made up for: it is the rate that counts.
			select {
			case <-time.After(time.Until(l.began.Add(time.Duration(n) * time.Second / time.Duration(rate)))):
			case <-ctx.Done():
				return
			}
			client := kept
			if n%2 == 1 {
				client = fresh
			}
			l.all.Go(func() { l.one(client) })
		}
	})
	return l
}

func (l *Load) one(client *http.Client) {
	began := time.Now()
	body, err := fetch(client, l.url)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.sent++
	l.slowest = max(l.slowest, time.Since(began))
	if err != nil {
		l.failures[err.Error()]++
	} else {
		l.answers[body]++
	}
	close(l.arrived)
	l.arrived = make(chan struct{})
}

func fetch(client *http.Client, url string) (string, error) {
	resp, err := client.Get(url)
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

// Await returns when that many requests more have got an answer, or an error if that
// takes longer than a minute.
func (l *Load) Await(ctx context.Context, answer string, more int) error {
	limited, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	for first := -1; ; {
		l.mu.Lock()
		got, arrived := l.answers[answer], l.arrived
		l.mu.Unlock()
		if first < 0 {
			first = got
		}
		if got >= first+more {
			return nil
		}
		select {
		case <-arrived:
		case <-limited.Done():
			return fmt.Errorf("%d requests of %d were answered %q within a minute: %w", got-first, more, answer, limited.Err())
		}
	}
}

// Stop sends no more, and returns when all requests are answered.
func (l *Load) Stop() {
	l.end()
	l.mu.Lock()
	if l.took == 0 {
		l.took = time.Since(l.began)
	}
	l.mu.Unlock()
	l.all.Wait()
}

// Result stops the load, and says in one line what became of the requests, and how many
// of them failed.
func (l *Load) Result() (text string, failed int) {
	l.Stop()
	var parts []string
	for _, a := range slices.Sorted(maps.Keys(l.answers)) {
		parts = append(parts, fmt.Sprintf("%d %q", l.answers[a], a))
	}
	for _, problem := range slices.Sorted(maps.Keys(l.failures)) {
		failed += l.failures[problem]
		parts = append(parts, fmt.Sprintf("%d FAILED: %s", l.failures[problem], problem))
	}
	return fmt.Sprintf("%d requests in %.1f s (%.0f a second), %d failed, slowest %d ms; answers: %s", l.sent,
		l.took.Seconds(), float64(l.sent)/l.took.Seconds(), failed, l.slowest.Milliseconds(), strings.Join(parts, ", ")), failed
}

// Answers are the different answers that came, sorted.
func (l *Load) Answers() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Sorted(maps.Keys(l.answers))
}
