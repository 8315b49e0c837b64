//go:build e2e

package docker

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/twofoldhq/twofold/release"
	"github.com/twofoldhq/twofold/targets"
)

// load sends requests at a rate, whatever becomes of those before: every second one
// over a connection of its own, the others over connections that are kept.
type load struct {
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

// startLoad begins to send; stop ends it.
func startLoad(t *testing.T, url string, rate int) *load {
	t.Helper()
	ctx, end := context.WithCancel(t.Context())
	l := &load{
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
	t.Cleanup(l.stop)
	return l
}

func (l *load) one(client *http.Client) {
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

// awaitAnswers returns when that many requests more have got an answer.
func (l *load) awaitAnswers(t *testing.T, answer string, more int) {
	t.Helper()
	limit := time.After(time.Minute)
	for first := -1; ; {
		l.mu.Lock()
		got, arrived := l.answers[answer], l.arrived
		l.mu.Unlock()
		if first < 0 {
			first = got
		}
		if got >= first+more {
			return
		}
		select {
		case <-arrived:
		case <-limit:
			t.Fatalf("%d requests of %d were answered %q within a minute", got-first, more, answer)
		}
	}
}

// stop sends no more, and returns when all requests are answered.
func (l *load) stop() {
	l.end()
	l.mu.Lock()
	if l.took == 0 {
		l.took = time.Since(l.began)
	}
	l.mu.Unlock()
	l.all.Wait()
}

// check says what became of the requests: none may have failed.
func (l *load) check(t *testing.T, what string) {
	t.Helper()
	l.stop()
	failed := 0
	for problem, n := range l.failures {
		failed += n
		t.Errorf("%s: %d requests failed: %s", what, n, problem)
	}
	var answers []string
	for _, a := range slices.Sorted(maps.Keys(l.answers)) {
		answers = append(answers, fmt.Sprintf("%d %q", l.answers[a], a))
	}
	t.Logf("%s: %d requests in %.1f s (%.0f a second), %d failed, slowest %d ms; answers: %s", what, l.sent,
		l.took.Seconds(), float64(l.sent)/l.took.Seconds(), failed, l.slowest.Milliseconds(), strings.Join(answers, ", "))
}

// The load during which releases are replaced.
const (
	loadRate    = 200 // requests a second
	loadDeploys = 20
)

func TestTwentyDeploysInARowLoseNoRequest(t *testing.T) {
	for _, replicas := range []int{1, 2} {
		t.Run(fmt.Sprintf("%d instances", replicas), func(t *testing.T) {
			target := newTestTarget(t, nil)
			d := deploymentOf(releases.Two)
			d.Scale.Min = replicas
			st, err := target.Deploy(t.Context(), d)
			if err != nil {
				t.Fatal(err)
			}
			l := startLoad(t, st.URL+"/version", loadRate)
			l.awaitAnswers(t, "two", 100)
			for n := range loadDeploys {
				answer := "one"
				d.Release = releases.One
				if n%2 == 1 {
					answer, d.Release = "two", releases.Two
				}
				if _, err := target.Deploy(t.Context(), d); err != nil {
					t.Fatal(err)
				}
				l.awaitAnswers(t, answer, 100)
			}
			l.check(t, fmt.Sprintf("%d deploys", loadDeploys))
		})
	}
}

func TestDeploysThatFailLoseNoRequest(t *testing.T) {
	target := newTestTarget(t, nil)
	st, err := target.Deploy(t.Context(), deploymentOf(releases.One))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name    string
		release *release.Release
	}{{"a release that never gets healthy", releases.Broken}, {"a release that crashes", releases.Crashing}} {
		l := startLoad(t, st.URL+"/version", loadRate)
		l.awaitAnswers(t, "one", 100)
		d := deploymentOf(c.release)
		d.Start = 3 * time.Second
		var unhealthy *targets.NotHealthyError
		if _, err := target.Deploy(t.Context(), d); !errors.As(err, &unhealthy) {
			t.Errorf("deploy of %s: %v", c.name, err)
		}
		l.awaitAnswers(t, "one", 100)
		l.check(t, "deploy of "+c.name)
		if len(l.answers) != 1 {
			t.Errorf("deploy of %s: not all requests were answered by the release before", c.name)
		}
	}
}
