//go:build linux

package main

import (
	"encoding/json"
	"net/http"
	"testing"
	"time"
)

func TestTheInvocationStaysOpenUntilThePathAnswers(t *testing.T) {
	for _, mode := range []string{"buffered", "stream"} {
		t.Run(mode, func(t *testing.T) {
			p := newPlatform(t)
			p.start("http", "TWOFOLD_RESPONSE_MODE="+mode)
			p.awaitNext()
			r := p.invoke(fakeEvent{body: httpEventJSON("GET", "/works", "")})
			var a answer
			var s struct{ Body string }
			if mode == "stream" {
				a, s.Body, _ = splitStream(t, r)
			} else if err := json.Unmarshal(r.body, &a); err != nil {
				t.Fatal(err)
			}
			if a.StatusCode != 200 || a.Headers[http.CanonicalHeaderKey("Twofold-Wait")] != "" {
				t.Errorf("got %+v", a)
			}
			p.stdout.await(t, "background ends")
			p.awaitNext()
		})
	}
}

func TestTheInvocationStaysOpenForATime(t *testing.T) {
	p := newPlatform(t)
	p.start("http")
	p.awaitNext()
	deadline := time.Now().Add(time.Second)
	p.invoke(fakeEvent{body: httpEventJSON("GET", "/works?wait=10m", ""), deadline: deadline})
	p.awaitNext() // at the deadline, for no invocation outlives it
	// An event's deadline has whole milliseconds, rounded down.
	if left := time.Until(deadline); left > longestMargin+time.Millisecond {
		t.Errorf("the next event was asked for %v before the end of the invocation", left)
	}
	p.invoke(fakeEvent{body: httpEventJSON("GET", "/works?wait=soon", "")})
	p.awaitNext()
	p.stderr.await(t, "twofold: Twofold-Wait is neither")
}
