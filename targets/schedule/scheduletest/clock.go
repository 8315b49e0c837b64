// Package scheduletest has a clock that a test moves.
package scheduletest

import (
	"sync"
	"time"
)

// Clock is a schedule.Clock that stands still until it is moved.
type Clock struct {
	mu      sync.Mutex
	now     time.Time
	timers  map[*timer]bool
	changed chan struct{} // closed and replaced when a timer begins
}

type timer struct {
	at     time.Time
	passed chan time.Time
}

// NewClock returns a clock that stands at a time.
func NewClock(now time.Time) *Clock {
	return &Clock{now: now, timers: map[*timer]bool{}, changed: make(chan struct{})}
}

// Now returns the time at which the clock stands.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

// At implements schedule.Clock.
func (c *Clock) At(at time.Time) (<-chan time.Time, func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	t := &timer{at: at, passed: make(chan time.Time, 1)}
	if !at.After(c.now) {
		t.passed <- c.now
		return t.passed, func() {}
	}
	c.timers[t] = true
	close(c.changed)
	c.changed = make(chan struct{})
	return t.passed, func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		delete(c.timers, t)
	}
}

// Move moves the clock on, and ends the timers whose time has come.
func (c *Clock) Move(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
	for t := range c.timers {
		if !t.at.After(c.now) {
			t.passed <- c.now
			delete(c.timers, t)
		}
	}
}

// Await waits until so many timers run.
func (c *Clock) Await(timers int) {
	for {
		c.mu.Lock()
		n, changed := len(c.timers), c.changed
		c.mu.Unlock()
		if n >= timers {
			return
		}
		<-changed
	}
}
