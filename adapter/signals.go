//go:build linux

package main

import (
	"os"
	"os/signal"
	"syscall"
	"time"
)

// stopGrace is how long the app has to stop after SIGTERM. Lambda leaves 300 ms to
// 500 ms before it kills what still runs (developer guide, "Shutdown phase").
const stopGrace = 300 * time.Millisecond

// noDeadline is the deadline of what may take as long as it likes.
var noDeadline time.Time

// forwardSignals waits for SIGTERM or SIGINT, passes it to the app, and ends the
// adapter when the app has ended and the event it was working on is answered, or
// when the grace is over.
func forwardSignals(a *app, busy chan<- struct{}) {
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGTERM, syscall.SIGINT)
	<-signals
	end := time.NewTimer(stopGrace)
	p := a.current()
	_ = syscall.Kill(p.pid, syscall.SIGTERM)
	select {
	case <-p.done:
		select {
		case busy <- struct{}{}: // no event is being worked on any more
		case <-end.C:
		}
	case <-end.C:
		p.killGroup()
		<-p.done
	}
	p.output.flush()
	code := p.exitCode()
	if p.status.Signaled() && p.status.Signal() == syscall.SIGTERM {
		code = 0 // the app left the signal to its default: it stopped as asked
	}
	os.Exit(code)
}

// stop ends the app with its grace period, and returns the adapter's exit code
// for a runtime API that is gone.
func stop(a *app) int {
	p := a.current()
	_ = syscall.Kill(p.pid, syscall.SIGTERM)
	pause(p, stopGrace)
	p.killGroup()
	<-p.done
	p.output.flush()
	return 1
}
