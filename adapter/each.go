//go:build linux

package main

import (
	"bytes"
	"slices"
	"time"
)

// askEach sends the messages of a batch to the app one after the other, and puts
// the list of those that failed into l.out: the platform sends them again, alone
// ("Implementing partial batch responses", developer guide of AWS Lambda).
//
// In a FIFO queue a message whose predecessor in its group failed is not sent, or
// the order would be lost.
func (l *loop) askEach(inv *invocation, b *batch) *failure {
	deadline := withMargin(inv.deadline, time.Now())
	fifo := bytes.HasSuffix(b.post.occurrence.source, []byte(".fifo"))
	var failedGroups []string
	over := false // the time is over, or the app does not start
	l.out = append(l.out[:0], `{"batchItemFailures":[`...)
	first := true
	for {
		record, ok := b.records.next()
		if !ok {
			break
		}
		id := stringOf(member(record, "messageId"))
		if len(id) == 0 {
			return &failure{kind: eventInvalid, message: "a message of the batch has no messageId"}
		}
		group := string(stringOf(member(member(record, "attributes"), "MessageGroupId")))
		skip := over || fifo && slices.Contains(failedGroups, group)
		if !skip {
			f := l.askOne(b, record, deadline)
			if f == nil {
				continue
			}
			complain("message " + string(id) + ": " + f.Error())
			over = f.kind == appTimeout || f.kind == appNotReady || f.kind == appNotStarted
			if f.kind == appTimeout {
				if f := l.app.restart(); f != nil {
					complain(f.Error())
				}
			}
		}
		failedGroups = append(failedGroups, group)
		if !first {
			l.out = append(l.out, ',')
		}
		first = false
		l.out = append(l.out, `{"itemIdentifier":`...)
		l.out = appendQuoted(l.out, appendValid(nil, id))
		l.out = append(l.out, '}')
	}
	l.out = append(l.out, "]}"...)
	return nil
}

// askOne sends one message to the app.
func (l *loop) askOne(b *batch, record []byte, deadline time.Time) *failure {
	l.request.post(&b.post, stringOf(member(record, "body")), record)
	if f := l.app.do(&l.request, deadline); f != nil {
		return f
	}
	if answer := &l.app.answer; answer.status < 200 || answer.status > 299 {
		return eventFailure(eventFailed, &l.request, answer, l.app.conn.buf, l.app.process.output.lines())
	}
	return nil
}
