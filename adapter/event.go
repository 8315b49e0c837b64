package main

import (
	"bytes"
	"errors"
)

// request is the HTTP request that an event becomes. Its memory is used again
// for the next one.
type request struct {
	// head is the request line and the fields, with the empty line at its end.
	head []byte
	// body shares the event's memory.
	body []byte
	// source says what the event came from, and so what its answer looks like.
	source source
	// method and path are for error messages and for what a method implies. Both
	// share head's memory.
	method, path []byte
	// batch is set instead of a request if the event is a batch of which each
	// message becomes a request of its own.
	batch *batch
	// stream says that the answer is handed over while it comes: reading it ends with
	// its head.
	stream bool

	// triggers are those of the deployment; invocation is what the event came with.
	triggers   []trigger
	invocation *invocation
	// contextFields says that HTTP requests get the fields of their context.
	contextFields bool
	// traceparent says that requests without that field get one of the trace's.
	traceparent bool
}

// source is what an event comes from.
type source uint8

const (
	// noHTTP is an event that is no HTTP request, and wants no HTTP answer.
	noHTTP source = iota
	// httpAPI is an HTTP API with payload format 2.0.
	httpAPI
	// functionURL is a function URL, whose format is the same but for its path.
	functionURL
	// restAPI is a REST API; httpAPIv1 is an HTTP API with payload format 1.0, which
	// is the same but for its path.
	restAPI
	httpAPIv1
	// albSingle is a load balancer's target group; albMulti is one with the attribute
	// lambda.multi_value_headers.enabled.
	albSingle
	albMulti
)

// headOnly reports whether the answer has no body whatever its fields say.
func (r *request) headOnly() bool { return string(r.method) == "HEAD" }

// idempotent reports whether sending the request twice has the effect of sending
// it once (RFC 9110, 9.2.2).
func (r *request) idempotent() bool {
	switch string(r.method) {
	case "GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE":
		return true
	}
	return false
}

// event holds the raw values of the members of an event that matter.
type event struct {
	source source
	// method is the HTTP method; path is the path in the form of the source.
	method, path                   []byte
	rawQuery                       []byte // payload format 2.0
	query, multiQuery              []byte // the others
	headers, multiHeaders, cookies []byte
	body, isBase64                 []byte
	context, domain                []byte
	// text is the body's text where it was decoded while it was read; body is not
	// set then. unchecked is what cursor.text says of it.
	text      []byte
	unchecked bool
}

var errNotJSON = errors.New("the event is not well-formed JSON")

// fromEvent makes the request of an event. Events of HTTP APIs, REST APIs, function
// URLs and load balancers become the HTTP request they stand for; any other becomes
// a POST of its JSON to its trigger's path, or else to eventsPath. It overwrites data.
func (r *request) fromEvent(data []byte, eventsPath, trace string) error {
	r.head, r.body, r.batch = r.head[:0], nil, nil
	var e event
	if !e.read(data) {
		if !validJSON(data) {
			return errNotJSON
		}
		r.other(data, eventsPath, trace)
		return nil
	}
	return r.translate(&e)
}

// setLine notes where method and path are in head, which may have moved.
func (r *request) setLine(method int) {
	r.method = r.head[:method]
	end := bytes.IndexByte(r.head[method+1:], ' ')
	if end < 0 {
		end = len(r.head) - method - 1
	}
	r.path = r.head[method+1 : method+1+end]
	if q := bytes.IndexByte(r.path, '?'); q >= 0 {
		r.path = r.path[:q]
	}
}

// read finds the members of an HTTP event. It returns false for any other event,
// and for one that is malformed.
func (e *event) read(data []byte) bool {
	var v1 v1Members
	c := openObject(data)
	for {
		name, ok := c.name()
		if !ok {
			break
		}
		if e.known(&v1) && c.atString() && nameIs(name, "body") {
			// The platform sends the body behind what tells the source, so it is known by
			// now that the event is not handed over as it is.
			e.text, e.unchecked, _ = c.text()
			e.body = nil
			continue
		}
		value, ok := c.value()
		if !ok {
			break
		}
		e.member(&v1, name, value)
	}
	if !c.complete() || !e.known(&v1) {
		return false
	}
	e.settle(&v1)
	return true
}

// v1Members are the members that only events of REST APIs, of payload format 1.0
// and of load balancers have.
type v1Members struct {
	version, method, path []byte
	elb, stage            bool
}

// known reports whether the members read so far are those of an HTTP request.
func (e *event) known(v1 *v1Members) bool {
	return isString(e.method) || (v1.elb || v1.stage) && isString(v1.method)
}

// member takes one member of the event.
func (e *event) member(v1 *v1Members, name, value []byte) {
	if bytes.IndexByte(name, '\\') >= 0 {
		name = appendUnquoted(nil, name)
	}
	switch string(name) {
	case "version":
		v1.version = value
	case "rawPath":
		e.path = value
	case "rawQueryString":
		e.rawQuery = value
	case "cookies":
		e.cookies = value
	case "headers":
		e.headers = value
	case "multiValueHeaders":
		e.multiHeaders = value
	case "httpMethod":
		v1.method = value
	case "path":
		v1.path = value
	case "queryStringParameters":
		e.query = value
	case "multiValueQueryStringParameters":
		e.multiQuery = value
	case "requestContext":
		e.readContext(v1, value)
	case "body":
		e.body, e.text = value, nil
	case "isBase64Encoded":
		e.isBase64 = value
	}
}

// readContext takes the members of requestContext that matter.
func (e *event) readContext(v1 *v1Members, data []byte) {
	e.context, e.method, e.domain, v1.elb, v1.stage = data, nil, nil, false, false
	c := openObject(data)
	for {
		name, value, ok := c.next()
		if !ok {
			return
		}
		switch {
		case nameIs(name, "http"):
			e.method = member(value, "method")
		case nameIs(name, "domainName"):
			e.domain = value
		case nameIs(name, "elb"):
			v1.elb = !isNull(value)
		case nameIs(name, "stage"):
			v1.stage = isString(value)
		}
	}
}

// settle finds out the source, from the most certain mark to the least.
func (e *event) settle(v1 *v1Members) {
	switch {
	case v1.elb && isString(v1.method):
		e.source = albSingle
		if isObject(e.multiHeaders) || isObject(e.multiQuery) {
			e.source = albMulti
		}
	case isString(e.method):
		e.source = httpAPI
		if bytes.Contains(e.domain, []byte(".lambda-url.")) {
			e.source = functionURL
		}
		e.multiHeaders = nil
		return
	default:
		e.source = restAPI
		if string(stringOf(v1.version)) == "1.0" {
			e.source = httpAPIv1
		}
	}
	e.method, e.path, e.cookies = v1.method, v1.path, nil
}

// member returns the raw value of a member of an object, or nil.
func member(object []byte, wanted string) (found []byte) {
	c := openObject(object)
	for {
		name, value, ok := c.next()
		if !ok {
			return found
		}
		if nameIs(name, wanted) {
			found = value
		}
	}
}

// translate makes the request that an HTTP event stands for.
func (r *request) translate(e *event) error {
	body, err := e.decodeBody()
	if err != nil {
		return err
	}
	method := stringOf(e.method)
	if !isToken(method) {
		return errors.New("the event's HTTP method is none")
	}
	h := append(r.head, method...)
	h = append(h, ' ')
	h = appendPath(h, stringOf(e.path), e.source)
	h = appendQuery(h, e)
	h = append(h, " HTTP/1.1\r\n"...)
	lineEnd := len(h)

	f := fieldWriter{head: h, method: method, bodySize: len(body)}
	if r.contextFields && r.invocation != nil {
		f.inv = r.invocation
	}
	if r.traceparent && r.invocation != nil {
		f.trace = r.invocation.trace
	}
	inv, trace := f.inv, f.trace
	if err := f.write(e, nil); err != nil {
		return err
	}
	if f.nominated != nil {
		// The rare request whose Connection field names other fields.
		nominated := bytes.Clone(f.nominated)
		f = fieldWriter{head: h[:lineEnd], method: method, bodySize: len(body), inv: inv, trace: trace}
		if err := f.write(e, nominated); err != nil {
			return err
		}
	}
	r.head, r.body, r.source = f.head, body, e.source
	r.setLine(len(method))
	return nil
}

// stringOf returns the text of a raw value, or nil if it is not a string. A text
// without escapes shares the event's memory, which is not overwritten here.
func stringOf(value []byte) []byte {
	if !isString(value) {
		return nil
	}
	raw := value[1 : len(value)-1]
	if bytes.IndexByte(raw, '\\') < 0 {
		return raw
	}
	return appendUnquoted(nil, raw)
}

// decodeBody returns the body's bytes, in place of the event's text.
func (e *event) decodeBody() ([]byte, error) {
	text, unchecked := e.text, e.unchecked
	if e.body != nil && !isNull(e.body) {
		if !isString(e.body) {
			return nil, errors.New("the event's body is not a string")
		}
		text, unchecked = unquoteInPlace(e.body[1:len(e.body)-1]), false
	}
	if string(e.isBase64) == "true" {
		n, ok := decodeBase64(text)
		if !ok {
			return nil, errors.New("the event's body is not the base64 that isBase64Encoded says")
		}
		return text[:n], nil
	}
	if unchecked {
		if nextSpecial(text, 0) < len(text) {
			return nil, errNotJSON
		}
		text = mended(text, false)
	}
	return text, nil
}
