package main

import "sync"

// gate says how many events are being worked on, so that what must not happen meanwhile
// waits for them: the end of the adapter, and a restart of the app that nobody needs at
// once.
type gate struct {
	events sync.RWMutex
	// alone guards enterAlone: one loop at a time is enough.
	alone sync.Mutex
}

// enter begins the work on an event.
func (g *gate) enter() { g.events.RLock() }

func (g *gate) leave() { g.events.RUnlock() }

// enterAlone waits until no event is being worked on, and keeps new ones waiting. It
// returns false if another loop does the same.
func (g *gate) enterAlone() bool {
	if !g.alone.TryLock() {
		return false
	}
	g.events.Lock()
	return true
}

func (g *gate) leaveAlone() {
	g.events.Unlock()
	g.alone.Unlock()
}

// closed returns a channel that is closed when no event is being worked on any more. No
// other begins after that.
func (g *gate) closed() <-chan struct{} {
	done := make(chan struct{})
	go func() {
		g.events.Lock()
		close(done)
	}()
	return done
}
