//go:build linux

package main

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

const nuls = "\x00\x00\x00\x00\x00\x00\x00\x00"

func startStreaming(t *testing.T, env ...string) *platform {
	p := newPlatform(t)
	p.start("http", append(env, "TWOFOLD_RESPONSE_MODE=stream")...)
	p.awaitNext()
	return p
}

// streamed sends a request and returns the prelude and the body of the answer.
func (p *platform) streamed(method, target, body string) (answer, string, report) {
	p.t.Helper()
	r := p.invoke(fakeEvent{body: httpEventJSON(method, target, body)})
	return splitStream(p.t, r)
}

func splitStream(t *testing.T, r report) (a answer, body string, _ report) {
	t.Helper()
	if r.header.Get("Lambda-Runtime-Function-Response-Mode") != "streaming" ||
		r.header.Get("Content-Type") != "application/vnd.awslambda.http-integration-response" {
		t.Fatalf("the answer is not streamed: %v %.200s", r.header, r.body)
	}
	prelude, body, ok := strings.Cut(string(r.body), nuls)
	if !ok {
		t.Fatalf("the answer has no prelude: %.200q", r.body)
	}
	if err := json.Unmarshal([]byte(prelude), &a); err != nil {
		t.Fatalf("%v in %s", err, prelude)
	}
	return a, body, r
}

func TestEventsArriveWhileTheAnswerLasts(t *testing.T) {
	p := startStreaming(t)
	pid := p.appPID()
	p.pieces = make(chan string, 100)
	p.events <- fakeEvent{id: "1", body: httpEventJSON("GET", "/ticks", ""), deadline: time.Now().Add(patience)}
	for i := range 3 {
		p.awaitPiece("data: " + strconv.Itoa(i) + "\n\n")
		syscall.Kill(pid, syscall.SIGUSR1)
	}
	a, body, r := splitStream(t, p.awaitReport())
	if a.StatusCode != 200 || a.Headers["Content-Type"] != "text/event-stream" || len(a.Cookies) != 1 {
		t.Errorf("the prelude is %+v", a)
	}
	if body != "data: 0\n\ndata: 1\n\ndata: 2\n\n" || r.trailer.Get("Lambda-Runtime-Function-Error-Type") != "" {
		t.Errorf("got %q, %v", body, r.trailer)
	}
}

func (p *platform) appPID() int {
	p.t.Helper()
	_, body, _ := p.streamed("GET", "/pid", "")
	pid, err := strconv.Atoi(body)
	if err != nil {
		p.t.Fatal(err)
	}
	return pid
}

func (p *platform) awaitPiece(text string) {
	p.t.Helper()
	all := ""
	for !strings.HasSuffix(all, text) {
		select {
		case piece := <-p.pieces:
			all += piece
		case <-time.After(patience):
			p.t.Fatalf("%q does not arrive, but %q", text, all)
		}
	}
}

func TestAnswersAreStreamedWhole(t *testing.T) {
	p := startStreaming(t)
	for _, target := range []string{"/body?n=0", "/body?n=10", "/body?n=9000000", "/body?n=500000&chunked=1", "/body?n=300000&binary=1"} {
		want := 0
		if _, text, ok := strings.Cut(target, "n="); ok {
			text, _, _ = strings.Cut(text, "&")
			want, _ = strconv.Atoi(text)
		}
		if a, body, _ := p.streamed("GET", target, ""); a.StatusCode != 200 || len(body) != want {
			t.Errorf("%s: %d, %d bytes", target, a.StatusCode, len(body))
		}
	}
	big := strings.Repeat("0123456789", 300_000)
	for _, path := range []string{"/echo", "/stream-echo"} {
		if _, body, _ := p.streamed("POST", path, big); body != big {
			t.Errorf("%s: %d of %d bytes came back", path, len(body), len(big))
		}
	}
	if a, body, _ := p.streamed("HEAD", "/body?n=10", ""); body != "" || a.Headers["Content-Length"] != "10" {
		t.Errorf("HEAD got %+v %q", a, body)
	}
}

func TestAnAnswerThatFailsMidwayHasTrailers(t *testing.T) {
	for kind, then := range map[string]string{appExited: "exit", appTimeout: "hang"} {
		t.Run(then, func(t *testing.T) {
			p := startStreaming(t)
			pid := p.appPID()
			p.pieces = make(chan string, 100)
			p.events <- fakeEvent{id: "1", body: httpEventJSON("GET", "/ticks?then="+then, ""), deadline: time.Now().Add(2 * time.Second)}
			for i := range 3 {
				p.awaitPiece("data: " + strconv.Itoa(i) + "\n\n")
				syscall.Kill(pid, syscall.SIGUSR1)
			}
			_, _, r := splitStream(t, p.awaitReport())
			mustFail(t, r.trailer, kind)
			p.pieces = nil
			if again := p.appPID(); again == pid {
				t.Error("the app was not started again")
			}
		})
	}
}

func mustFail(t *testing.T, trailer http.Header, kind string) {
	t.Helper()
	if got := trailer.Get("Lambda-Runtime-Function-Error-Type"); got != "Function."+strings.ReplaceAll(kind, ".", "") {
		t.Errorf("the error type is %q", got)
	}
	text, err := base64.StdEncoding.DecodeString(trailer.Get("Lambda-Runtime-Function-Error-Body"))
	var f struct{ ErrorType string }
	if err != nil || json.Unmarshal(text, &f) != nil || f.ErrorType != kind {
		t.Errorf("the error is %q, %v", text, err)
	}
}

func TestOtherEventsAreBufferedWhereAnswersAreStreamed(t *testing.T) {
	p := startStreaming(t)
	r := p.invoke(fakeEvent{body: `{"some":"event"}`})
	if r.header.Get("Lambda-Runtime-Function-Response-Mode") != "" || string(r.body) != "null" {
		t.Errorf("got %v %s", r.header, r.body)
	}
}

func TestAnErrorStatusIsNotStreamed(t *testing.T) {
	p := startStreaming(t, "TWOFOLD_ERROR_STATUSES=413")
	p.fails(errorStatus, "GET", "/early", "", time.Time{})
}
