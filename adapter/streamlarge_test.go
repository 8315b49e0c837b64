//go:build linux

package main

import (
	"compress/gzip"
	"fmt"
	"io"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"
)

// 200 MB are the most that a streamed answer may have ("Lambda quotas").
func TestAnAnswerOf200MBToASlowPlatformIsNotKeptInMemory(t *testing.T) {
	const size = 200 << 20
	p := startStreaming(t)
	before := p.peak()
	read := 0
	p.read = func(body io.Reader) []byte {
		head := make([]byte, 4<<10)
		piece := make([]byte, 4<<10) // far less than the app writes at once
		n, err := io.ReadFull(body, head)
		read = n
		for err == nil {
			n, err = body.Read(piece)
			read += n
		}
		return head
	}
	p.events <- fakeEvent{id: "1", body: httpEventJSON("GET", "/many?mb=200", ""), deadline: time.Now().Add(5 * time.Minute)}
	var r report
	select {
	case r = <-p.reports:
	case <-time.After(5 * time.Minute):
		t.Fatal("the answer does not end")
	}
	a, _, _ := splitStream(t, r)
	prelude, _, _ := strings.Cut(string(r.body), nuls)
	if got := read - len(prelude) - len(nuls); a.StatusCode != 200 || got != size {
		t.Errorf("status %d, %d bytes of %d", a.StatusCode, got, size)
	}
	if kind := r.trailer.Get("Lambda-Runtime-Function-Error-Type"); kind != "" {
		t.Errorf("it failed: %s", kind)
	}
	if more := p.peak() - before; more > 4<<10 {
		t.Errorf("the adapter needed %d KiB for it", more)
	}
}

// peak is the most memory that the adapter was seen to hold, in KiB.
func (p *platform) peak() int {
	p.t.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.adapter.Process.Pid))
	if err != nil {
		p.t.Fatal(err)
	}
	m := regexp.MustCompile(`VmHWM:\s+(\d+) kB`).FindSubmatch(status)
	if m == nil {
		p.t.Fatalf("there is no VmHWM in %s", status)
	}
	n, _ := strconv.Atoi(string(m[1]))
	return n
}

func TestStreamedAnswersWithoutABody(t *testing.T) {
	p := startStreaming(t)
	for _, test := range []struct {
		method string
		status int
	}{{"GET", 204}, {"GET", 304}, {"HEAD", 200}, {"HEAD", 304}, {"POST", 204}, {"GET", 205}} {
		a, body, r := p.streamed(test.method, "/status?is="+strconv.Itoa(test.status), "")
		if a.StatusCode != test.status || body != "" || a.Headers["Etag"] != `"a"` || r.trailer.Get("Lambda-Runtime-Function-Error-Type") != "" {
			t.Errorf("%s %d: got %+v, %q, %v", test.method, test.status, a, body, r.trailer)
		}
	}
}

func TestACompressedAnswerIsStreamedAsItIs(t *testing.T) {
	p := startStreaming(t)
	a, body, _ := p.streamed("GET", "/gzip", "")
	if a.Headers["Content-Encoding"] != "gzip" {
		t.Errorf("the prelude is %+v", a)
	}
	packed, err := gzip.NewReader(strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if text, err := io.ReadAll(packed); err != nil || string(text) != "some text" {
		t.Errorf("got %q, %v", text, err)
	}
}
