package main

import (
	"errors"
	"strconv"
)

// fieldWriter writes the fields of a request.
type fieldWriter struct {
	head     []byte
	method   []byte
	bodySize int
	// nominated is the value of a Connection field that names other fields.
	nominated []byte
	// cookie says that there is a Cookie field; the last one ends at lastCookie.
	cookie     bool
	lastCookie int
	length     bool
	// inv is set if the request gets the fields of its context.
	inv *invocation
	// trace is set if the request gets a traceparent where it has none.
	trace string
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

	if err := f.fields(e.fields(), skip); err != nil {
		return err
	}
	if !f.cookie {
		f.cookies(e.cookies)
	}
	if f.inv != nil {
		f.head = appendField(f.head, "X-Amzn-Trace-Id", []byte(f.inv.trace))
		f.head = appendInvocation(f.head, f.inv)
		f.head = appendContext(f.head, "Twofold-Request-Context", e.context)
	}
	f.head = appendTraceparent(f.head, f.trace)
	if !f.length && f.bodySize == 0 && !wantsLength(f.method) {
		f.head = append(f.head, "\r\n"...)
		return nil
	}
	f.head = appendLength(f.head, f.bodySize)
	return nil
}

// fields returns the object that holds the event's fields: the one with all values
// of repeated fields, if the source has one.
func (e *event) fields() []byte {
	if c := openObject(e.multiHeaders); e.multiHeaders != nil {
		if _, ok := c.name(); ok {
			return e.multiHeaders
		}
	}
	return e.headers
}

// fields appends the fields of an object, whose values are strings or lists of
// them.
func (f *fieldWriter) fields(object, skip []byte) error {
	c := openObject(object)
	for {
		name, value, ok := c.next()
		if !ok {
			return nil
		}
		if isString(value) {
			f.field(name, value[1:len(value)-1], skip)
			continue
		}
		if isNull(value) {
			continue
		}
		l := openList(value)
		for {
			one, ok := l.next()
			if !ok {
				break
			}
			if isString(one) {
				f.field(name, one[1:len(one)-1], skip)
			}
		}
		if !l.complete() {
			return errors.New("the event's headers hold a value that is neither a string nor a list")
		}
	}
}

func (f *fieldWriter) appendHost(e *event) {
	start := len(f.head)
	c := openObject(e.fields())
	for {
		name, value, ok := c.next()
		if !ok {
			break
		}
		if kindOf(name) != hostField {
			continue
		}
		if !isString(value) {
			l := openList(value)
			value, _ = l.next()
		}
		if isString(value) {
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
	if !isToken(key) || isOwnField(key) {
		f.head = f.head[:start]
		return
	}
	if reserved(key) || f.inv != nil && f.inv.trace != "" && isTrace(key) {
		f.head = f.head[:start]
		return
	}
	if f.trace != "" && nameEqual(key, "traceparent") {
		f.trace = ""
	}
	kind := kindOf(key)
	switch kind {
	case cookieField:
		if f.cookie && f.lastCookie == start {
			// HTTP/2 may split the field; over HTTP/1 it is one (RFC 9113, 8.2.3).
			f.head = append(f.head[:start-len("\r\n")], "; "...)
			f.value(value)
			f.lastCookie = len(f.head)
			return
		}
		f.cookie = true
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
	f.value(value)
	if kind == cookieField {
		f.lastCookie = len(f.head)
	}
}

// value appends the raw value of a field, and ends its line.
func (f *fieldWriter) value(raw []byte) {
	text := len(f.head)
	f.head = appendUnquoted(f.head, raw)
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
