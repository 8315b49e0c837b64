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

// catchSignals keeps SIGTERM and SIGINT from ending the adapter from now on.
func catchSignals() <-chan os.Signal {
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGTERM, syscall.SIGINT)
	return signals
}

// forwardSignals waits for a signal, passes SIGTERM to the app, and ends the
// adapter when the app has ended and the event it was working on is answered, or
// when the grace is over.
func forwardSignals(signals <-chan os.Signal, a *app, events *gate) {
	<-signals
	p := a.current()
	p.terminate()
	awaitStop(p, events, time.NewTimer(stopGrace).C)
	p.killGroup()
	<-p.done
	p.output.flush()
	code := p.exitCode()
	if p.status.Signaled() && p.status.Signal() == syscall.SIGTERM {
		code = 0 // the app left the signal to its default: it stopped as asked
	}
	os.Exit(code)
}

// awaitStop returns when the app has ended and no event is being worked on any
// more, or when the time is over.
func awaitStop(p *process, events *gate, over <-chan time.Time) {
	select {
	case <-p.done:
	case <-over:
		return
	}
	select {
	case <-events.closed():
	case <-over:
	}
}

// stop ends the app with its grace period, and returns the adapter's exit code
// for a runtime API that is gone.
func stop(a *app) int {
	p := a.current()
	p.terminate()
	pause(p, stopGrace)
	p.killGroup()
	<-p.done
	p.output.flush()
	return 1
}
