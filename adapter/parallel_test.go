//go:build linux

package main

import (
	"strings"
	"testing"
	"time"
)

// meetings sends two requests to an app that answers each only when both are there.
func (p *platform) meetings(id string) {
	p.t.Helper()
	for _, who := range []string{"first", "second"} {
		p.awaitNext()
		p.events <- fakeEvent{id: id + who, body: httpEventJSON("GET", "/meet?who="+who, ""), deadline: time.Now().Add(patience)}
	}
	for range 2 {
		if r := p.awaitReport(); !strings.HasSuffix(r.path, "/response") || !strings.Contains(string(r.body), `"statusCode":200`) {
			p.t.Fatalf("the adapter reported %s %s", r.path, r.body)
		}
	}
}

func TestEventsAreServedBesideOneAnother(t *testing.T) {
	p := newPlatform(t)
	p.start("http", "AWS_LAMBDA_MAX_CONCURRENCY=3")
	p.meetings("a-")
	p.meetings("b-")
}

func TestAnAppThatEndsBesideOthersIsStartedOnce(t *testing.T) {
	p := newPlatform(t)
	p.start("http", "AWS_LAMBDA_MAX_CONCURRENCY=2")
	p.awaitNext()
	p.awaitNext()
	p.events <- fakeEvent{id: "hangs", body: httpEventJSON("GET", "/hang", ""), deadline: time.Now().Add(patience)}
	p.stdout.await(t, "thinking about it")
	p.events <- fakeEvent{id: "exits", body: httpEventJSON("GET", "/exit", ""), deadline: time.Now().Add(patience)}
	for range 2 {
		p.awaitReport().mustBe(t, "/error", appExited)
	}
	p.meetings("after-")
}

func TestAnAnswerThatIsLateLeavesTheOthersAlone(t *testing.T) {
	p := newPlatform(t)
	p.start("http", "AWS_LAMBDA_MAX_CONCURRENCY=2")
	p.awaitNext()
	p.awaitNext()
	pid := p.request("GET", "/pid", "").Body
	p.awaitNext()
	p.events <- fakeEvent{id: "waits", body: httpEventJSON("GET", "/meet?who=first", ""), deadline: time.Now().Add(patience)}
	p.fails(appTimeout, "GET", "/hang", "", time.Now().Add(time.Second))
	p.awaitNext()
	p.events <- fakeEvent{id: "comes", body: httpEventJSON("GET", "/meet?who=second", ""), deadline: time.Now().Add(patience)}
	for range 2 {
		if r := p.awaitReport(); !strings.HasSuffix(r.path, "/response") {
			t.Fatalf("the adapter reported %s %s", r.path, r.body)
		}
	}
	p.awaitNext()
	p.awaitNext()
	if now := p.request("GET", "/pid", "").Body; now != pid {
		t.Errorf("the app was started again: %s, then %s", pid, now)
	}
}
