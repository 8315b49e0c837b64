//go:build linux

package main

import (
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

func TestTailKeepsTheLastLines(t *testing.T) {
	var long []string
	for i := range 100 {
		long = append(long, fmt.Sprint("line ", i))
	}
	wide := strings.Repeat("x", 3000)
	cases := []struct {
		name, text string
		want       []string
	}{
		{"nothing", "", nil},
		{"only line ends", "\n\r\n\n", nil},
		{"one line", "a\n", []string{"a"}},
		{"a line without an end", "a\nb", []string{"a", "b"}},
		{"line ends of another system", "a\r\nb\r\n", []string{"a", "b"}},
		{"an empty line within", "a\n\nb\n", []string{"a", "", "b"}},
		{"many lines", strings.Join(long, "\n"), long[80:]},
		{"wide lines", wide + "\n" + wide, []string{wide}},
		{"one line that is too long", strings.Repeat("y", 9000), []string{strings.Repeat("y", tailSize)}},
		{"exactly full", strings.Repeat("z", tailSize), []string{strings.Repeat("z", tailSize)}},
		{"exactly full twice", strings.Repeat("z", 2*tailSize), []string{strings.Repeat("z", tailSize)}},
	}
	for _, c := range cases {
		for _, piece := range []int{1, 100, 5000, 1 << 20} {
			var l tail
			for b := []byte(c.text); len(b) > 0; b = b[min(piece, len(b)):] {
				l.write(b[:min(piece, len(b))])
			}
			if got := l.lines(); !slices.Equal(got, c.want) {
				t.Errorf("%s, in pieces of %d: got %.100q, want %.100q", c.name, piece, got, c.want)
			}
		}
	}
}

func TestNeitherOutputCrowdsOutTheOther(t *testing.T) {
	for _, c := range []struct{ out, err, wantOut, wantErr int }{
		{0, 0, 0, 0}, {5, 5, 5, 5}, {100, 0, 20, 0}, {0, 100, 0, 20}, {100, 1, 19, 1}, {1, 100, 1, 19}, {100, 100, 10, 10},
	} {
		o := &output{read: [2]int{-1, -1}}
		for i, n := range []int{c.out, c.err} {
			for range n {
				o.tail[i].write([]byte{"oe"[i], '\n'})
			}
		}
		if got, want := strings.Join(o.lines(), ""), strings.Repeat("o", c.wantOut)+strings.Repeat("e", c.wantErr); got != want {
			t.Errorf("of %d and %d lines: got %q, want %q", c.out, c.err, got, want)
		}
	}
}

func TestStopWaitsForTheAnswer(t *testing.T) {
	p := &process{done: make(chan struct{})}
	close(p.done)
	var events gate
	events.enter()
	var answered atomic.Bool
	go func() {
		answered.Store(true)
		events.leave()
	}()
	awaitStop(p, &events, make(chan time.Time))
	if !answered.Load() {
		t.Error("the adapter would have exited before the answer was handed over")
	}
	over := make(chan time.Time, 1)
	over <- time.Now()
	awaitStop(&process{done: make(chan struct{})}, &gate{}, over) // must return
}

func TestConnectionToItselfIsNoticed(t *testing.T) {
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	c := conn{fd: fd, open: true}
	defer c.close()
	if err := syscall.Bind(fd, &syscall.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		t.Fatal(err)
	}
	own, err := syscall.Getsockname(fd)
	if err != nil {
		t.Fatal(err)
	}
	if err := c.connectSocket(own); err != syscall.ECONNREFUSED {
		t.Errorf("got %v", err)
	}
}

func TestPollIntervalGrowsWithTheStart(t *testing.T) {
	for since, want := range map[time.Duration]time.Duration{
		0: 500 * time.Microsecond, 16 * time.Millisecond: 500 * time.Microsecond,
		64 * time.Millisecond: 2 * time.Millisecond, time.Minute: 10 * time.Millisecond,
	} {
		if got := pollInterval(since); got != want {
			t.Errorf("after %v: %v, want %v", since, got, want)
		}
	}
}

func TestMarginBeforeTheDeadline(t *testing.T) {
	now := time.Now()
	for left, want := range map[time.Duration]time.Duration{
		time.Minute: 50 * time.Millisecond, time.Second: 50 * time.Millisecond,
		400 * time.Millisecond: 20 * time.Millisecond, 10 * time.Millisecond: 5 * time.Millisecond,
	} {
		if got := now.Add(left).Sub(withMargin(now.Add(left), now)); got != want {
			t.Errorf("%v before the deadline: %v, want %v", left, got, want)
		}
	}
	if got := withMargin(time.Time{}, now); !got.IsZero() {
		t.Errorf("no deadline becomes %v", got)
	}
}
