package main

import (
	"bytes"
	"errors"
	"strconv"
)

// request is the HTTP request that an event becomes. Its memory is used again
// for the next one.
type request struct {
	// head is the request line and the fields, with the empty line at its end.
	head []byte
	// body shares the event's memory.
	body []byte
	// http says that the event was an HTTP request and wants an HTTP answer.
	http bool
	// method and path are for error messages and for what a method implies. Both
	// share head's memory.
	method, path []byte
}

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
	rawPath, rawQuery, cookies, headers, body, isBase64 []byte
	method, domain                                      []byte
	// text is the body's text where it was decoded while it was read; body is not
	// set then. unchecked is what cursor.text says of it.
	text      []byte
	unchecked bool
}

var errNotJSON = errors.New("the event is not well-formed JSON")

// fromEvent makes the request of an event. Events of HTTP APIs (payload format
// 2.0) and of function URLs become the HTTP request they stand for; any other
// becomes a POST of its JSON to eventsPath. It overwrites data.
func (r *request) fromEvent(data []byte, eventsPath, trace string) error {
	r.head, r.body = r.head[:0], nil
	var e event
	if !e.read(data) {
		if !validJSON(data) {
			return errNotJSON
		}
		r.raw(data, eventsPath, trace)
		return nil
	}
	return r.translate(&e)
}

// raw makes the request that hands over an event as it is.
func (r *request) raw(data []byte, eventsPath, trace string) {
	h := append(r.head, "POST "...)
	h = append(h, eventsPath...)
	h = append(h, " HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"...)
	if trace != "" && isFieldValue(trace) {
		h = append(h, "X-Amzn-Trace-Id: "...)
		h = append(h, trace...)
		h = append(h, "\r\n"...)
	}
	r.head = appendLength(h, len(data))
	r.setLine(len("POST"))
	r.body, r.http = data, false
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
	http := false
	c := openObject(data)
	for {
		name, ok := c.name()
		if !ok {
			break
		}
		if http && c.atString() && nameIs(name, "body") {
			// The platform sends the body behind requestContext, so it is known by now
			// that the event is not handed over as it is.
			e.text, e.unchecked, _ = c.text()
			e.body = nil
			continue
		}
		value, ok := c.value()
		if !ok {
			break
		}
		switch {
		case nameIs(name, "rawPath"):
			e.rawPath = value
		case nameIs(name, "rawQueryString"):
			e.rawQuery = value
		case nameIs(name, "cookies"):
			e.cookies = value
		case nameIs(name, "headers"):
			e.headers = value
		case nameIs(name, "requestContext"):
			http = e.readContext(value)
		case nameIs(name, "body"):
			e.body, e.text = value, nil
		case nameIs(name, "isBase64Encoded"):
			e.isBase64 = value
		}
	}
	return c.complete() && http
}

// readContext takes the members of requestContext that matter, and reports whether
// they are those of an HTTP request.
func (e *event) readContext(data []byte) bool {
	e.method, e.domain = nil, nil
	c := openObject(data)
	for {
		name, value, ok := c.next()
		if !ok {
			break
		}
		switch {
		case nameIs(name, "http"):
			e.method = member(value, "method")
		case nameIs(name, "domainName"):
			e.domain = value
		}
	}
	return isString(e.method)
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

// functionURL reports whether the event comes from a function URL, whose rawPath
// is encoded, while that of an HTTP API is decoded.
func (e *event) functionURL() bool { return bytes.Contains(e.domain, []byte(".lambda-url.")) }

// translate makes the request that an HTTP event stands for.
func (r *request) translate(e *event) error {
	body, err := e.decodeBody()
	if err != nil {
		return err
	}
	method := stringOf(e.method)
	if !isToken(method) {
		return errors.New("the event's requestContext.http.method is not an HTTP method")
	}
	h := append(r.head, method...)
	h = append(h, ' ')
	h = appendPath(h, stringOf(e.rawPath), e.functionURL())
	if query := stringOf(e.rawQuery); len(query) > 0 {
		h = append(h, '?')
		h = appendTarget(h, query)
	}
	h = append(h, " HTTP/1.1\r\n"...)
	lineEnd := len(h)

	f := fieldWriter{head: h, method: method, bodySize: len(body)}
	if err := f.write(e, nil); err != nil {
		return err
	}
	if f.nominated != nil {
		// The rare request whose Connection field names other fields.
		nominated := bytes.Clone(f.nominated)
		f = fieldWriter{head: h[:lineEnd], method: method, bodySize: len(body)}
		if err := f.write(e, nominated); err != nil {
			return err
		}
	}
	r.head, r.body, r.http = f.head, body, true
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

// fieldWriter writes the fields of a request.
type fieldWriter struct {
	head     []byte
	method   []byte
	bodySize int
	// nominated is the value of a Connection field that names other fields.
	nominated []byte
	cookie    bool
	length    bool
}

// write appends the event's fields: Host first, cookies and length last.
// Hop-by-hop fields, those that skip names, and Expect, whose 100 the platform
// has answered, are left out.
func (f *fieldWriter) write(e *event, skip []byte) error {
	f.head = append(f.head, "Host: "...)
	host := len(f.head)
	f.appendHost(e)
	f.sanitize(host)
	f.head = append(f.head, "\r\n"...)

	c := openObject(e.headers)
	for {
		name, value, ok := c.next()
		if !ok {
			break
		}
		if isNull(value) {
			continue
		}
		if !isString(value) {
			return errors.New("the event's headers hold a value that is not a string")
		}
		f.field(name, value[1:len(value)-1], skip)
	}
	if !f.cookie {
		f.cookies(e.cookies)
	}
	if !f.length && f.bodySize == 0 && !wantsLength(f.method) {
		f.head = append(f.head, "\r\n"...)
		return nil
	}
	f.head = appendLength(f.head, f.bodySize)
	return nil
}

func (f *fieldWriter) appendHost(e *event) {
	start := len(f.head)
	c := openObject(e.headers)
	for {
		name, value, ok := c.next()
		if !ok {
			break
		}
		if isString(value) && kindOf(name) == hostField {
			f.head = appendUnquoted(f.head, value[1:len(value)-1])
			break
		}
	}
	if len(f.head) == start && isString(e.domain) {
		f.head = appendUnquoted(f.head, e.domain[1:len(e.domain)-1])
	}
	if len(f.head) == start {
		f.head = append(f.head, "localhost"...)
	}
}

// field appends one field of the event; name and value are raw.
func (f *fieldWriter) field(name, value, skip []byte) {
	start := len(f.head)
	f.head = appendUnquoted(f.head, name)
	key := f.head[start:]
	if !isToken(key) {
		f.head = f.head[:start]
		return
	}
	kind := kindOf(key)
	if kind == cookieField {
		f.cookie = true
	}
	switch kind {
	case contentLength:
		f.length = true
		f.head = f.head[:start]
		return
	case connectionField:
		f.noteConnection(value)
		f.head = f.head[:start]
		return
	case hopByHop, transferEncoding, hostField, expectField:
		f.head = f.head[:start]
		return
	}
	if skip != nil && listNames(skip, key) {
		f.head = f.head[:start]
		return
	}
	f.head = append(f.head, ": "...)
	text := len(f.head)
	f.head = appendUnquoted(f.head, value)
	f.sanitize(text)
	f.head = append(f.head, "\r\n"...)
}

// noteConnection keeps a Connection field that names other fields.
func (f *fieldWriter) noteConnection(raw []byte) {
	value := appendUnquoted(nil, raw)
	elements(value, func(e []byte) bool {
		if !nameEqual(e, "close") && !nameEqual(e, "keep-alive") {
			f.nominated = value
		}
		return f.nominated == nil
	})
}

// cookies appends the Cookie field of the event's list of cookies.
func (f *fieldWriter) cookies(raw []byte) {
	l := openList(raw)
	first := true
	start := len(f.head)
	for {
		value, ok := l.next()
		if !ok {
			break
		}
		if !isString(value) {
			continue
		}
		if first {
			f.head = append(f.head, "Cookie: "...)
			start, first = len(f.head), false
		} else {
			f.head = append(f.head, "; "...)
		}
		f.head = appendUnquoted(f.head, value[1:len(value)-1])
	}
	if !first {
		f.sanitize(start)
		f.head = append(f.head, "\r\n"...)
	}
}

// sanitize makes spaces of the control bytes from start on, so that no value can
// end its field (RFC 9110, 5.5).
func (f *fieldWriter) sanitize(start int) {
	for i, c := range f.head[start:] {
		if c < 0x20 && c != '\t' || c == 0x7f {
			f.head[start+i] = ' '
		}
	}
}

func isFieldValue(s string) bool {
	for i := 0; i < len(s); i++ {
		if c := s[i]; c < 0x20 && c != '\t' || c == 0x7f {
			return false
		}
	}
	return true
}

// wantsLength reports whether a request of that method says Content-Length: 0
// when it has no body (RFC 9110, 8.6).
func wantsLength(method []byte) bool {
	switch string(method) {
	case "POST", "PUT", "PATCH":
		return true
	}
	return false
}

// appendLength appends the Content-Length field and the empty line.
func appendLength(h []byte, n int) []byte {
	h = append(h, "Content-Length: "...)
	h = strconv.AppendInt(h, int64(n), 10)
	return append(h, "\r\n\r\n"...)
}

// pathByte marks the bytes that stand for themselves in a path (RFC 3986, 3.3,
// pchar, and the slash).
var pathByte = func() (t [256]bool) {
	for _, c := range "-._~!$&'()*+,;=:@/0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ" {
		t[c] = true
	}
	return t
}()

// appendPath appends a path. An HTTP API hands over the decoded path, so every
// byte that does not stand for itself is encoded again; a function URL hands over
// the path as it was sent.
func appendPath(h, path []byte, encoded bool) []byte {
	if len(path) == 0 || path[0] != '/' {
		h = append(h, '/')
	}
	if encoded {
		return appendTarget(h, path)
	}
	for _, c := range path {
		if pathByte[c] {
			h = append(h, c)
		} else {
			h = appendPercent(h, c)
		}
	}
	return h
}

// appendTarget appends a part of the request's target byte for byte, but for the
// spaces and control bytes that would end it.
func appendTarget(h, text []byte) []byte {
	for _, c := range text {
		if c <= ' ' || c == 0x7f {
			h = appendPercent(h, c)
		} else {
			h = append(h, c)
		}
	}
	return h
}

func appendPercent(h []byte, c byte) []byte {
	const upper = "0123456789ABCDEF"
	return append(h, '%', upper[c>>4], upper[c&15])
}
