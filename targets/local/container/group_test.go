package container

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twofoldhq/twofold/targets"
)

func ok(w http.ResponseWriter, r *http.Request) {}

func TestStartReturnsWhenAllInstancesAreReady(t *testing.T) {
	r := newFakeRunner(http.HandlerFunc(ok))
	g := newTestGroup(t, r, func(c *Config) { c.Instances = 3 })
	if err := g.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	if state, _, n := g.State(); state != targets.Running || n != 3 {
		t.Errorf("state %s with %d instances, want running with 3", state, n)
	}
}

func TestRequestsGoRound(t *testing.T) {
	r := newFakeRunner(http.HandlerFunc(ok))
	g := newTestGroup(t, r, func(c *Config) { c.Instances = 3 })
	if err := g.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	seen := make(map[string]int)
	for range 9 {
		w := httptest.NewRecorder()
		g.ServeHTTP(w, httptest.NewRequest("GET", "/", nil))
		seen[w.Header().Get("Instance")]++
	}
	for n := range 3 {
		if seen[fmt.Sprint(n)] != 3 {
			t.Fatalf("requests an instance: %v, want 3 each", seen)
		}
	}
}

func TestAppThatNeverGetsReadyIsReportedWithItsAnswerAndOutput(t *testing.T) {
	r := newFakeRunner(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		w.WriteHeader(http.StatusServiceUnavailable)
	}))
	g := newTestGroup(t, r, func(c *Config) { c.Start = 200 * time.Millisecond })
	go func() { io.WriteString((<-r.started).output, "cannot reach the database\n") }()
	err := g.Start(t.Context())
	var unhealthy *targets.NotHealthyError
	if !errors.As(err, &unhealthy) {
		t.Fatalf("error %v, want a NotHealthyError", err)
	}
	if !strings.Contains(unhealthy.Reason, "/healthz still answers 503") || !strings.Contains(unhealthy.Output, "cannot reach the database") {
		t.Errorf("reason %q, output %q", unhealthy.Reason, unhealthy.Output)
	}
	select {
	case <-r.instances[0].Done():
	default:
		t.Error("the instance still runs after Start has failed")
	}
}

func TestAppThatDiesAsItStartsIsReportedAtOnce(t *testing.T) {
	r := newFakeRunner(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		w.WriteHeader(http.StatusServiceUnavailable)
	}))
	g := newTestGroup(t, r, func(c *Config) { c.Start = time.Minute })
	go func() { (<-r.started).die() }()
	err := g.Start(t.Context())
	var unhealthy *targets.NotHealthyError
	if !errors.As(err, &unhealthy) || unhealthy.Reason != "it exited with status 7" {
		t.Fatalf("error %v", err)
	}
}

func TestCancelledStartLeavesNothingRunning(t *testing.T) {
	r := newFakeRunner(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		w.WriteHeader(http.StatusServiceUnavailable)
	}))
	g := newTestGroup(t, r, nil)
	ctx, cancel := context.WithCancel(t.Context())
	var i *fakeInstance
	go func() {
		i = <-r.started
		cancel()
	}()
	if err := g.Start(ctx); !errors.Is(err, context.Canceled) {
		t.Fatalf("error %v, want context.Canceled", err)
	}
	select {
	case <-i.Done():
	default:
		t.Error("the instance still runs")
	}
}

func TestInstanceThatDiesIsStartedAgainAndRequestsWaitForIt(t *testing.T) {
	r := newFakeRunner(http.HandlerFunc(ok))
	g := newTestGroup(t, r, nil)
	if err := g.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	first := <-r.started
	first.die()
	w := httptest.NewRecorder()
	g.ServeHTTP(w, httptest.NewRequest("POST", "/", strings.NewReader("the body")))
	if w.Code != http.StatusOK || w.Header().Get("Instance") != "1" {
		t.Errorf("answer %d of instance %q, want 200 of 1: %s", w.Code, w.Header().Get("Instance"), w.Body)
	}
}

func TestGroupThatCannotComeBackSaysWhyAndRecovers(t *testing.T) {
	r := newFakeRunner(http.HandlerFunc(ok))
	allow := make(chan struct{})
	r.refuse = func(n int) error {
		select {
		case <-allow:
			return nil
		default:
		}
		if n == 0 {
			return nil
		}
		return errNoRoom
	}
	g := newTestGroup(t, r, nil)
	if err := g.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	(<-r.started).die()
	for {
		if err := g.Wait(t.Context()); err != nil && strings.Contains(err.Error(), "no room") {
			break
		}
	}
	if state, detail, _ := g.State(); state != targets.Failing || !strings.Contains(detail, "no room") {
		t.Errorf("state %s %q", state, detail)
	}
	close(allow)
	<-r.started
	for g.Wait(t.Context()) != nil {
	}
	if state, _, _ := g.State(); state != targets.Running {
		t.Errorf("state %s, want running", state)
	}
}

func TestRunGoesOnTryingWhenTheFirstStartFails(t *testing.T) {
	r := newFakeRunner(http.HandlerFunc(ok))
	r.refuse = func(n int) error {
		if n == 0 {
			return errNoRoom
		}
		return nil
	}
	g := newTestGroup(t, r, nil)
	g.Run()
	<-r.started
}

func TestRequestAfterALostOneIsNotSentToADyingInstance(t *testing.T) {
	var r *fakeRunner
	var dying atomic.Bool
	r = newFakeRunner(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		if req.URL.Path == "/die" && dying.CompareAndSwap(false, true) {
			first := r.instances[0]
			// A process takes a while to end, and its socket goes last.
			time.AfterFunc(30*time.Millisecond, func() { dying.Store(false); first.die() })
		}
		if dying.Load() {
			panic(http.ErrAbortHandler)
		}
	}))
	g := newTestGroup(t, r, nil)
	if err := g.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	lost := httptest.NewRecorder()
	g.ServeHTTP(lost, httptest.NewRequest("GET", "/die", nil))
	if lost.Code != http.StatusBadGateway {
		t.Fatalf("status %d of the request that kills", lost.Code)
	}
	w := httptest.NewRecorder()
	g.ServeHTTP(w, httptest.NewRequest("GET", "/", nil))
	if w.Code != http.StatusOK || w.Header().Get("Instance") != "1" {
		t.Errorf("status %d from instance %q, want 200 from the next instance: %s", w.Code, w.Header().Get("Instance"), w.Body)
	}
}
