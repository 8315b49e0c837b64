//go:build linux

package main

import (
	"runtime/debug"
	"time"
)

const (
	// longestMargin is how long before the function's timeout the adapter gives up
	// on an answer, so that it can still report why. An environment with little cpu
	// gets its share in slices of 20 ms.
	longestMargin  = 50 * time.Millisecond
	shortestMargin = 5 * time.Millisecond
)

// loop hands one event after the other to the app, and its answers back.
type loop struct {
	api     *runtimeAPI
	app     *app
	secrets *secretValues
	request request
	out     []byte
	// gate is what the loops of an adapter share.
	gate *gate
	// parallel says that there are other loops.
	parallel bool
}

// runAll runs so many loops beside one another, as an environment of Lambda Managed
// Instances is expected to ("Building custom runtimes for Lambda Managed Instances",
// developer guide of AWS Lambda). It returns when one of them ends.
func (l *loop) runAll(count int) error {
	ended := make(chan error, count)
	l.parallel = count > 1
	for range count - 1 {
		go func() { ended <- l.another().run() }()
	}
	if !l.parallel {
		return l.run()
	}
	go func() { ended <- l.run() }()
	return <-ended
}

// another returns a loop beside l, with connections of its own.
func (l *loop) another() *loop {
	api := *l.api
	api.conn, api.answer, api.head = conn{}, response{}, nil
	return &loop{api: &api, app: l.app.another(), secrets: l.secrets, gate: l.gate, parallel: true}
}

// run works until the runtime API fails, which it does when the platform ends.
func (l *loop) run() error {
	var inv invocation
	for {
		if err := l.api.nextInvocation(&inv); err != nil {
			return err
		}
		l.gate.enter()
		err := l.serve(&inv)
		l.gate.leave()
		if err != nil {
			return err
		}
		if l.secrets.old(l.app.settings) && l.gate.enterAlone() {
			l.secrets.refresh(l.app, inv.deadline)
			l.gate.leaveAlone()
		}
	}
}

// serve works on one event. What fails in it is reported to the platform; only
// the failure of the runtime API itself is returned.
func (l *loop) serve(inv *invocation) error {
	deadline := withMargin(inv.deadline, time.Now())
	if f := l.ask(inv, deadline); f != nil {
		return l.fail(inv.id, f)
	}
	if l.request.stream {
		err := l.stream(inv, deadline)
		l.shrink()
		return err
	}
	l.app.process.output.flush()
	wait := ""
	if l.request.batch == nil {
		wait = l.wantedWait()
	}
	err := l.api.respond(inv.id, l.out)
	if err == nil {
		l.hold(wait, deadline)
	}
	l.shrink()
	return err
}

// ask gets the app's answer to the event into l.out, or, if it is to be streamed, the
// head of the answer.
func (l *loop) ask(inv *invocation, deadline time.Time) *failure {
	settings := l.app.settings
	l.request.triggers, l.request.invocation = settings.triggers, inv
	l.request.contextFields, l.request.traceparent = settings.contextFields, settings.traceparent
	if err := l.request.fromEvent(inv.event, l.app.settings.eventsPath, inv.trace); err != nil {
		return &failure{kind: eventInvalid, message: err.Error()}
	}
	l.request.stream = l.app.settings.streamed(l.request.source)
	if b := l.request.batch; b != nil {
		return l.askEach(inv, b)
	}
	if f := l.app.do(&l.request, deadline); f != nil {
		return f
	}
	answer, bytes := &l.app.answer, l.app.conn.buf
	if l.request.source == noHTTP {
		if answer.status < 200 || answer.status > 299 {
			return eventFailure(eventFailed, &l.request, answer, bytes, l.app.process.output.lines())
		}
		l.out = appendEventAnswer(l.out[:0], answer, bytes)
	} else {
		if l.app.settings.isErrorStatus(answer.status) {
			l.readWhole(deadline)
			bytes = l.app.conn.buf
			return eventFailure(errorStatus, &l.request, answer, bytes, l.app.process.output.lines())
		}
		if l.request.stream {
			return nil
		}
		l.out = appendAnswer(l.out[:0], answer, bytes, l.request.source)
	}
	if len(l.out) > maxAnswer {
		return tooLarge(string(l.request.method) + " " + string(l.request.path))
	}
	return nil
}

// fail reports f. An app that ended or did not answer is started again meanwhile:
// it gets ready while the adapter waits for the next event.
//
// The platform would do the same to the whole environment if the adapter exited
// here, but it would count that as a second error, and would keep the next event
// waiting for all of it.
func (l *loop) fail(id string, f *failure) error {
	complain(f.Error())
	err := l.api.fail(id, f)
	if err == nil {
		l.mend(f)
	}
	l.shrink()
	return err
}

// mend starts an app again that ended or did not answer.
func (l *loop) mend(f *failure) {
	if f.kind != appTimeout && f.kind != appExited {
		return
	}
	if f.kind == appTimeout && l.parallel {
		// The others' requests are in the same app, which is not known to hang in all.
		l.app.conn.close()
		return
	}
	if f := l.app.restart(); f != nil {
		complain(f.Error())
	}
}

// readWhole reads the rest of an answer that was to be streamed and is not. What
// cannot be read is left out.
func (l *loop) readWhole(deadline time.Time) {
	answer, from := &l.app.answer, &l.app.conn
	if !answer.stream {
		return
	}
	answer.stream, answer.limit = false, answerLimit
	var err error
	if answer.state != complete {
		err = from.readRest(answer, deadline)
	}
	if err != nil || !answer.reuse {
		from.close()
	}
}

// shrink lets go of buffers that a large event made grow, and of their memory: the
// answer is sent, and the platform counts what an instance holds.
func (l *loop) shrink() {
	grown := l.api.conn.shrink()
	grown = l.app.conn.shrink() || grown
	if cap(l.out) > keptBuffer {
		l.out, grown = nil, true
	}
	if cap(l.request.head) > keptBuffer {
		l.request.head, grown = nil, true
	}
	l.request.body = nil
	if grown {
		debug.FreeOSMemory()
	}
}

// withMargin returns the moment at which the adapter gives up, a twentieth of the
// remaining time before the deadline, within bounds.
func withMargin(deadline, now time.Time) time.Time {
	if deadline.IsZero() {
		return deadline
	}
	margin := min(max(deadline.Sub(now)/20, shortestMargin), longestMargin)
	return deadline.Add(-margin)
}

// eventFailure makes the failure of an event that the app did not acknowledge, or
// of a request that it answered with an error status.
func eventFailure(kind string, r *request, answer *response, b []byte, output []string) *failure {
	const most = 1000
	body := answer.body(b)
	if len(body) > most {
		body = body[:most]
	}
	message := "the app answered " + string(r.method) + " " + string(r.path) + " with status " + itoa(answer.status)
	if len(body) > 0 {
		message += ": " + string(body)
	}
	return &failure{kind: kind, message: message, output: output}
}
