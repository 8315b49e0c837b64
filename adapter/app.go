//go:build linux

package main

import (
	"errors"
	"strconv"
	"sync"
	"syscall"
	"time"
)

const (
	// answerLimit is how much of an answer's body is read: no body that is longer
	// fits into a response of the platform.
	answerLimit = maxAnswer
	// maxIdle is how long a connection may have been idle and still be used. The
	// shortest keep-alive of common servers is 2 s (gunicorn); a new connection
	// costs far less than a request lost to a close that crossed it.
	maxIdle = time.Second
	// exitWait is how long to wait for the news that the app has ended after its
	// connection has.
	exitWait = 250 * time.Millisecond
	// longestPoll and shortestPoll bound the pause between two looks at whether the
	// app is ready.
	shortestPoll = 500 * time.Microsecond
	longestPoll  = 10 * time.Millisecond
	// healthTimeout is how long one request to the health path may take.
	healthTimeout = time.Second
)

// app is the app as one loop sees it: its process, which all loops share, and a
// connection of the loop's own.
type app struct {
	settings *settings
	conn     conn
	answer   response
	probe    []byte

	runs *runs
	// process is the run of the app that the connection leads to.
	process *process
}

// runs is the app's present run.
type runs struct {
	// turn holds a value while somebody starts the app, or waits until it is ready.
	turn chan struct{}
	// mu guards process.
	mu      sync.Mutex
	process *process
}

func newApp(s *settings) *app {
	return &app{
		settings: s,
		probe:    []byte("GET " + s.health + " HTTP/1.1\r\nHost: localhost\r\nUser-Agent: twofold\r\n\r\n"),
		runs:     &runs{turn: make(chan struct{}, 1)},
	}
}

// another returns the same app with a connection of its own.
func (a *app) another() *app {
	return &app{settings: a.settings, probe: a.probe, runs: a.runs, process: a.process}
}

// start starts the app and does not wait until it is ready.
func (a *app) start() *failure {
	p, err := startProcess(a.settings)
	if err != nil {
		return &failure{kind: appNotStarted, message: "the app's command " + quoted(a.settings.command[0]) + " cannot be started: " + err.Error()}
	}
	a.runs.mu.Lock()
	a.runs.process = p
	a.runs.mu.Unlock()
	a.follow(p)
	return nil
}

// restart ends the run that the connection leads to if it still lasts, and starts the
// app again. It does nothing if another loop has done so since.
func (a *app) restart() *failure {
	a.runs.turn <- struct{}{}
	defer func() { <-a.runs.turn }()
	a.conn.close()
	p := a.process
	if now := a.current(); now != p {
		a.follow(now)
		return nil
	}
	p.killGroup()
	<-p.done
	return a.start()
}

// current returns the app's present run, or nil.
func (a *app) current() *process {
	a.runs.mu.Lock()
	defer a.runs.mu.Unlock()
	return a.runs.process
}

// follow notes which run of the app the connection is to lead to from now on.
func (a *app) follow(p *process) {
	if a.process != p {
		a.conn.close()
		a.process = p
	}
}

// ensureReady returns when the app runs and is ready. It starts an app that has
// ended since it was ready. A zero deadline is the start timeout.
func (a *app) ensureReady(deadline time.Time) *failure {
	if a.isReady() {
		return nil
	}
	begin := time.Now()
	if deadline.IsZero() {
		deadline = begin.Add(a.settings.startTimeout)
	}
	if !a.takeTurn(deadline) {
		return a.notReady(deadline.Sub(begin), "it is still starting")
	}
	defer func() { <-a.runs.turn }()
	if a.isReady() {
		return nil
	}
	if a.process.ended() {
		if f := a.start(); f != nil {
			return f
		}
	}
	return a.awaitReady(begin, deadline)
}

// isReady looks at the present run.
func (a *app) isReady() bool {
	a.follow(a.current())
	return a.process.ready.Load() && !a.process.ended()
}

// takeTurn waits until no other loop starts the app, and reports whether it was in
// time.
func (a *app) takeTurn(deadline time.Time) bool {
	select {
	case a.runs.turn <- struct{}{}:
		return true
	default:
	}
	t := time.NewTimer(time.Until(deadline))
	defer t.Stop()
	select {
	case a.runs.turn <- struct{}{}:
		return true
	case <-t.C:
		return false
	}
}

// awaitReady asks for the health path until it answers 2xx, and fails when the
// app exits or the deadline passes. It keeps the connection for the first request.
func (a *app) awaitReady(begin, deadline time.Time) *failure {
	p := a.process
	why := ""
	for {
		if p.ended() {
			return a.exited(p, "while it started")
		}
		now := time.Now()
		if !now.Before(deadline) {
			return a.notReady(deadline.Sub(begin), why)
		}
		last, err := a.look(earlier(deadline, now.Add(healthTimeout)))
		if last == "" {
			p.ready.Store(true)
			return nil
		}
		if err != errTimeout || why == "" {
			why = last // a look that the deadline cut short says less than the one before
		}
		pause(p, pollInterval(now.Sub(begin)))
	}
}

func (a *app) notReady(after time.Duration, why string) *failure {
	return &failure{
		kind: appNotReady,
		message: "the app was not ready after " + after.Round(time.Millisecond).String() + ": " + why +
			". An app is ready when GET " + a.settings.health + " answers 2xx on port " + strconv.Itoa(a.settings.port) +
			", which it finds in PORT",
		output: a.process.output.lines(),
	}
}

// pollInterval returns the pause before the next look at an app that started so
// long ago. It grows with that time, so that the app's start is prolonged by a
// few hundredths at most while a slow app is not kept busy with looks.
func pollInterval(since time.Duration) time.Duration {
	return min(max(since/32, shortestPoll), longestPoll)
}

// pause waits for d, or until the process ends.
func pause(p *process, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-p.done:
	case <-t.C:
	}
}

// look asks for the health path once, and returns why the app is not ready.
func (a *app) look(deadline time.Time) (why string, err error) {
	if !a.conn.usable() {
		if err := a.connect(deadline); err != nil {
			return "nothing listens on port " + strconv.Itoa(a.settings.port), err
		}
	}
	a.answer.reset(false, answerLimit)
	err = a.conn.exchange(a.probe, nil, &a.answer, deadline)
	switch {
	case err == errTimeout:
		return "GET " + a.settings.health + " did not answer in time", err
	case err != nil:
		return "GET " + a.settings.health + " failed: " + err.Error(), err
	case a.answer.status < 200 || a.answer.status > 299:
		return "GET " + a.settings.health + " answered " + strconv.Itoa(a.answer.status), nil
	}
	return "", nil
}

func (a *app) connect(deadline time.Time) error {
	return a.conn.connect(syscall.AF_INET, &syscall.SockaddrInet4{Port: a.settings.port, Addr: [4]byte{127, 0, 0, 1}}, deadline)
}

// do sends a request to the app and reads its answer, which is in a.answer and
// a.conn until the next call. A zero deadline is none.
func (a *app) do(r *request, deadline time.Time) *failure {
	if f := a.ensureReady(deadline); f != nil {
		return f
	}
	fresh, err := a.ready(deadline)
	if err != nil && err != errTimeout {
		// It was ready once, and takes no connections now. Nothing has been sent, so
		// nothing is lost by waiting for it, or for the next one.
		a.gone(deadline)
		a.process.ready.Store(false)
		if f := a.ensureReady(deadline); f != nil {
			return f
		}
		fresh, err = a.ready(deadline)
	}
	if err == nil {
		err = a.send(r, deadline)
	}
	if err == errNoAnswer && !fresh && r.idempotent() {
		// The app closed the idle connection while the request was on its way.
		if err = a.connect(deadline); err == nil {
			err = a.send(r, deadline)
		}
	}
	if err != nil {
		return a.explain(r, err, deadline)
	}
	return nil
}

func (a *app) send(r *request, deadline time.Time) error {
	a.answer.reset(r.headOnly(), answerLimit)
	if r.stream {
		a.answer.stream, a.answer.limit = true, 0
	}
	return a.conn.exchange(r.head, r.body, &a.answer, deadline)
}

// ready makes sure that there is a connection, and says whether it is a new one.
func (a *app) ready(deadline time.Time) (fresh bool, err error) {
	if a.conn.open && time.Since(a.conn.last) < maxIdle && a.conn.usable() {
		return false, nil
	}
	return true, a.connect(deadline)
}

// gone waits a moment for the app's end, and reports whether it has ended.
func (a *app) gone(deadline time.Time) bool {
	wait := exitWait
	if !deadline.IsZero() {
		wait = min(wait, time.Until(deadline))
	}
	pause(a.process, wait)
	return a.process.ended()
}

// explain makes the failure of a request that got no answer.
func (a *app) explain(r *request, err error, deadline time.Time) *failure {
	what := string(r.method) + " " + string(r.path)
	p := a.process
	switch {
	case err == errTimeout:
		return &failure{
			kind:    appTimeout,
			message: "the app did not answer " + what + " before the function's timeout: raise the service's timeout, or make the answer faster",
			output:  p.output.lines(),
		}
	case errors.Is(err, errTooLarge):
		return tooLarge(what)
	case a.gone(deadline):
		return a.exited(p, "while it served "+what)
	}
	return &failure{kind: appBadAnswer, message: "the app's answer to " + what + " cannot be read: " + err.Error(), output: p.output.lines()}
}

// exited makes the failure of an app that has ended.
func (a *app) exited(p *process, when string) *failure {
	return &failure{kind: appExited, message: "the app " + p.end() + " " + when, output: p.output.lines()}
}

func tooLarge(what string) *failure {
	return &failure{
		kind: answerTooLarge,
		message: "the answer to " + what + " is larger than the 6 MB (6291556 bytes of JSON, where a binary body takes a third more) that the platform carries: " +
			"answer in pages, compress it, or redirect to the object in a store",
	}
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}
