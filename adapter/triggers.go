package main

import (
	"bytes"
	"errors"
	"strconv"
)

// trigger is one row of TWOFOLD_TRIGGERS: where the events of a source go.
type trigger struct {
	// kind is "queue", "object", "schedule", or one that only a mapping made by hand has:
	// "kinesis", "dynamodb", "sns" or "eventbridge".
	kind string
	// name is the manifest's. source is the queue or the bucket; a schedule has none.
	name, source string
	path         string
	// whole says that a batch goes to the app as one request.
	whole bool
}

// parseTriggers reads the value of TWOFOLD_TRIGGERS, a list of objects. Members it
// does not know are left alone.
func parseTriggers(data []byte) ([]trigger, error) {
	var all []trigger
	l := openList(data)
	for {
		value, ok := l.next()
		if !ok {
			break
		}
		t := trigger{
			kind: string(stringOf(member(value, "kind"))), name: string(stringOf(member(value, "name"))),
			source: string(stringOf(member(value, "source"))), path: string(stringOf(member(value, "path"))),
			whole: string(stringOf(member(value, "batch"))) == "whole",
		}
		if !isPath(t.path) {
			return nil, errors.New("the path of " + quoted(t.name) + " is not a path that begins with a slash")
		}
		all = append(all, t)
	}
	if !l.complete() {
		return nil, errors.New(`it is not a list such as [{"kind":"queue","name":"orders","source":"orders","path":"/orders"}]`)
	}
	return all, nil
}

// statusRange is a range of statuses, both ends included.
type statusRange struct{ first, last int }

// parseStatuses reads a list such as "500,502-504".
func parseStatuses(text string) ([]statusRange, error) {
	var all []statusRange
	bad := false
	elements([]byte(text), func(e []byte) bool {
		low, high, both := bytes.Cut(e, []byte{'-'})
		if !both {
			high = low
		}
		first, err1 := strconv.Atoi(string(trimSpace(low)))
		last, err2 := strconv.Atoi(string(trimSpace(high)))
		bad = bad || err1 != nil || err2 != nil || first < 100 || last < first || last > 999
		all = append(all, statusRange{first, last})
		return !bad
	})
	if bad {
		return nil, errors.New(`it is not a list of statuses such as "500,502-504"`)
	}
	return all, nil
}

func (s *settings) isErrorStatus(status int) bool {
	for _, r := range s.errorStatuses {
		if r.first <= status && status <= r.last {
			return true
		}
	}
	return false
}

// occurrence is what is known of an event that is no HTTP request.
type occurrence struct {
	// kind and source are the values of Twofold-Event-Kind and Twofold-Event-Source.
	kind   string
	source []byte
	// first is the first of records, which are the elements of Records.
	first, records []byte
	// schedule is what the key "twofold" holds, and path the path beside it.
	schedule, path []byte
}

// recognise finds out what an event is by its own marks.
func recognise(data []byte) (o occurrence) {
	var detailType, source []byte
	c := openObject(data)
	for {
		name, value, ok := c.next()
		if !ok {
			break
		}
		switch {
		case nameIs(name, "Records"):
			o.records = value
		case nameIs(name, "twofold"):
			o.schedule = value
		case nameIs(name, "path"):
			o.path = stringOf(value)
		case nameIs(name, "detail-type"):
			detailType = value
		case nameIs(name, "source"):
			source = stringOf(value)
		}
	}
	l := openList(o.records)
	if first, ok := l.next(); ok && isObject(first) {
		o.first = first
	}
	switch {
	case o.first != nil:
		o.recogniseRecord()
	case isObject(o.schedule):
		o.kind, o.source = "schedule", stringOf(member(o.schedule, "schedule"))
	case isString(detailType):
		o.kind, o.source = "eventbridge", source
	}
	return o
}

func (o *occurrence) recogniseRecord() {
	by := stringOf(member(o.first, "eventSource"))
	if by == nil {
		by = stringOf(member(o.first, "EventSource")) // SNS
	}
	arn := stringOf(member(o.first, "eventSourceARN"))
	switch string(by) {
	case "aws:sqs":
		o.kind, o.source = "queue", lastPart(arn)
	case "aws:s3":
		o.kind, o.source = "object", stringOf(member(member(member(o.first, "s3"), "bucket"), "name"))
	case "aws:sns":
		o.kind, o.source = "sns", lastPart(stringOf(member(member(o.first, "Sns"), "TopicArn")))
	case "aws:dynamodb":
		o.kind, o.source = "dynamodb", arn
	case "aws:kinesis":
		o.kind, o.source = "kinesis", arn
	}
}

// lastPart returns what follows the last colon of an ARN, or slash of a URL.
func lastPart(text []byte) []byte { return text[bytes.LastIndexAny(text, ":/")+1:] }

// find returns the trigger that the event belongs to, or nil.
func (o *occurrence) find(triggers []trigger) *trigger {
	if o.kind == "object" {
		// The notification's id ends with the trigger's name, where several watch one
		// bucket: what is before the last slash says whose it is.
		id := stringOf(member(member(o.first, "s3"), "configurationId"))
		id = id[bytes.LastIndexByte(id, '/')+1:]
		for i := range triggers {
			if t := &triggers[i]; t.kind == "object" && t.name == string(id) && t.source == string(o.source) {
				return t
			}
		}
	}
	for i := range triggers {
		t := &triggers[i]
		if t.kind != o.kind {
			continue
		}
		if o.kind == "schedule" && t.name == string(o.source) ||
			o.kind != "schedule" && (t.source == string(o.source) || string(lastPart([]byte(t.source))) == string(o.source)) {
			return t
		}
	}
	return nil
}

// other makes the request of an event that is no HTTP request. If the event is a
// batch that goes to the app one message a request, it only notes that in r.batch.
func (r *request) other(data []byte, eventsPath, trace string) {
	o := recognise(data)
	t := o.find(r.triggers)
	path, body := []byte(eventsPath), data
	if o.kind == "schedule" {
		body = o.schedule
		if isPath(string(o.path)) {
			path = o.path
		}
	}
	if t != nil {
		path = []byte(t.path)
	}
	p := post{path: path, occurrence: o, trigger: t, trace: trace}
	if o.isBatch() && t != nil && !t.whole {
		r.batch, r.source = newBatch(p), noHTTP
		return
	}
	r.post(&p, body, nil)
}

// post is what the requests of one event have in common.
type post struct {
	path       []byte
	occurrence occurrence
	trigger    *trigger
	trace      string
}

// post makes the request that hands over body. record is the message of a batch
// that it comes from, or nil.
func (r *request) post(p *post, body, record []byte) {
	h := append(r.head[:0], "POST "...)
	h = append(h, p.path...)
	h = append(h, " HTTP/1.1\r\nHost: localhost\r\n"...)
	if record == nil || validJSON(body) {
		h = append(h, "Content-Type: application/json\r\n"...)
	} else {
		h = append(h, "Content-Type: text/plain; charset=utf-8\r\n"...)
	}
	if p.occurrence.kind == "schedule" {
		h = append(h, "User-Agent: twofold-schedule\r\n"...)
	}
	h = appendField(h, "X-Amzn-Trace-Id", []byte(p.trace))
	if r.traceparent {
		h = appendTraceparent(h, p.trace)
	}
	h = appendField(h, "Twofold-Event-Kind", []byte(p.occurrence.kind))
	h = appendField(h, "Twofold-Event-Source", p.occurrence.source)
	if p.trigger != nil {
		h = appendField(h, "Twofold-Trigger", []byte(p.trigger.name))
	}
	if inv := r.invocation; inv != nil {
		h = appendInvocation(h, inv)
	}
	if record != nil {
		h = p.occurrence.appendRecordFields(h, record)
	}
	r.head = appendLength(h, len(body))
	r.setLine(len("POST"))
	r.body, r.source = body, noHTTP
}

// appendField appends one field, unless its value is empty or cannot be a field's.
func appendField(h []byte, name string, value []byte) []byte {
	if len(value) == 0 || !isFieldValue(string(value)) {
		return h
	}
	h = append(h, name...)
	h = append(h, ": "...)
	h = append(h, value...)
	return append(h, "\r\n"...)
}
