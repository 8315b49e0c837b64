package main

// pathByte marks the bytes that stand for themselves in a path (RFC 3986, 3.3,
// pchar, and the slash).
var pathByte = func() (t [256]bool) {
	for _, c := range "-._~!$&'()*+,;=:@/0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ" {
		t[c] = true
	}
	return t
}()

// appendPath appends a path. An HTTP API hands over the decoded path, so every
// byte that does not stand for itself is encoded again; the others hand over the
// path as it was sent.
//
// For payload format 1.0 of an HTTP API the documentation does not say which it is.
// What is an escape already is left alone there.
func appendPath(h, path []byte, s source) []byte {
	if len(path) == 0 || path[0] != '/' {
		h = append(h, '/')
	}
	if s != httpAPI && s != httpAPIv1 {
		return appendTarget(h, path)
	}
	for i, c := range path {
		if pathByte[c] || c == '%' && s == httpAPIv1 && isEscape(path[i:]) {
			h = append(h, c)
		} else {
			h = appendPercent(h, c)
		}
	}
	return h
}

// isEscape reports whether b begins with a percent sign and two digits.
func isEscape(b []byte) bool {
	return len(b) >= 3 && b[0] == '%' && unhex(b[1]) >= 0 && unhex(b[2]) >= 0
}

// appendQuery appends the query with its question mark, if there is one.
//
// REST APIs and payload format 1.0 hand over decoded names and values, load
// balancers those that were sent. The order of different names is lost before.
func appendQuery(h []byte, e *event) []byte {
	if e.source == httpAPI || e.source == functionURL {
		if query := stringOf(e.rawQuery); len(query) > 0 {
			h = append(h, '?')
			h = appendTarget(h, query)
		}
		return h
	}
	q := queryWriter{head: h, encode: e.source == restAPI || e.source == httpAPIv1, next: '?'}
	if !q.all(e.multiQuery) {
		q.all(e.query)
	}
	return q.head
}

// queryWriter appends the parameters of a query.
type queryWriter struct {
	head   []byte
	encode bool
	next   byte // what comes before the next parameter
}

// all appends the members of an object, whose values are strings or lists of
// them. It returns false if there are none.
func (q *queryWriter) all(object []byte) bool {
	c := openObject(object)
	for {
		name, value, ok := c.next()
		if !ok {
			return q.next != '?'
		}
		if isString(value) {
			q.pair(name, value)
			continue
		}
		l := openList(value)
		for {
			one, ok := l.next()
			if !ok {
				break
			}
			q.pair(name, one)
		}
	}
}

// pair appends one parameter; name and value are raw.
func (q *queryWriter) pair(name, value []byte) {
	if !isString(value) {
		return
	}
	q.head = append(q.head, q.next)
	q.next = '&'
	q.text(appendUnquoted(nil, name))
	q.head = append(q.head, '=')
	q.text(stringOf(value))
}

func (q *queryWriter) text(text []byte) {
	if !q.encode {
		q.head = appendTarget(q.head, text)
		return
	}
	for _, c := range text {
		// In a query a plus sign stands for a space, and these separate parameters.
		if pathByte[c] && c != '&' && c != '=' && c != '+' && c != ';' {
			q.head = append(q.head, c)
		} else {
			q.head = appendPercent(q.head, c)
		}
	}
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
