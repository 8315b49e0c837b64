//go:build linux

package main

import "time"

// askEach sends the records of a batch to the app one after the other, and puts
// the list of those that failed into l.out: the platform sends them again ("Implementing
// partial batch responses", developer guide of AWS Lambda). Of a stream it is told the
// first that failed alone, because it sends again all from there on.
func (l *loop) askEach(inv *invocation, b *batch) *failure {
	deadline := withMargin(inv.deadline, time.Now())
	over := false // the time is over, or the app does not start
	l.out = append(l.out[:0], `{"batchItemFailures":[`...)
	for {
		record, ok := b.records.next()
		if !ok {
			break
		}
		id := b.id(record)
		if len(id) == 0 {
			return &failure{kind: eventInvalid, message: "a record of the batch has no id"}
		}
		if !over && !b.skips(record) {
			f := l.askOne(b, record, deadline)
			if f == nil {
				continue
			}
			complain("message " + string(id) + ": " + f.Error())
			over = f.kind == appTimeout || f.kind == appNotReady || f.kind == appNotStarted
			if f.kind == appTimeout {
				l.mend(f)
			}
		}
		first := !b.failed
		b.fail(record)
		if b.stream && !first {
			continue
		}
		if !first {
			l.out = append(l.out, ',')
		}
		l.out = append(l.out, `{"itemIdentifier":`...)
		l.out = appendQuoted(l.out, appendValid(nil, id))
		l.out = append(l.out, '}')
	}
	l.out = append(l.out, "]}"...)
	return nil
}

// askOne sends one record to the app.
func (l *loop) askOne(b *batch, record []byte, deadline time.Time) *failure {
	body, ok := b.body(record)
	if !ok {
		return &failure{kind: eventInvalid, message: "the record's data is not base64"}
	}
	l.request.post(&b.post, body, record)
	if f := l.app.do(&l.request, deadline); f != nil {
		return f
	}
	if answer := &l.app.answer; answer.status < 200 || answer.status > 299 {
		return eventFailure(eventFailed, &l.request, answer, l.app.conn.buf, l.app.process.output.lines())
	}
	l.hold(l.wantedWait(), deadline)
	return nil
}
