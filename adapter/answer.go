package main

import (
	"encoding/base64"
	"strconv"
	"unicode/utf8"
)

// maxAnswer is how long the JSON of an answer may be: Lambda's limit for a
// buffered response, as its error message states it.
const maxAnswer = 6291556

// appendAnswer appends the JSON that the source of an event takes for the app's
// answer r, whose bytes are in b. Hop-by-hop fields are left out.
//
// HTTP APIs and function URLs take headers, in which repeated fields are joined with
// commas, and cookies. REST APIs, payload format 1.0 and load balancers that sent
// multiValueHeaders take those. A load balancer that sent headers takes headers and
// nothing for cookies.
func appendAnswer(dst []byte, r *response, b []byte, s source) []byte {
	dst = append(dst, `{"statusCode":`...)
	dst = strconv.AppendInt(dst, int64(r.status), 10)
	dst, encoded := r.appendHead(dst, b, s)
	return appendBody(dst, r.body(b), encoded)
}

// appendHead appends the members that hold the fields. It reports whether the
// body is encoded.
func (r *response) appendHead(dst, b []byte, s source) (_ []byte, encoded bool) {
	multi := s == restAPI || s == httpAPIv1 || s == albMulti
	if multi {
		dst = append(dst, `,"multiValueHeaders":{`...)
	} else {
		dst = append(dst, `,"headers":{`...)
	}
	cookies := 0
	first := true
	for i := range r.fields {
		f := &r.fields[i]
		switch f.kind {
		case hopByHop, connectionField, transferEncoding, waitField:
			continue
		case setCookie:
			if cookies++; !multi && s != albSingle {
				continue
			}
		case contentEncoding:
			encoded = encoded || !nameEqual(b[f.value:f.valueEnd], "identity")
		}
		if f.joined || r.nominated(b, f) {
			continue
		}
		if !first {
			dst = append(dst, ',')
		}
		first = false
		switch {
		case multi:
			dst = r.appendList(dst, b, i)
		case f.kind == setCookie:
			dst = appendCookie(dst, b, f, cookies-1)
		default:
			dst = r.appendField(dst, b, i)
		}
	}
	dst = append(dst, '}')
	if cookies > 0 && (s == httpAPI || s == functionURL) {
		dst = r.appendCookies(dst, b)
	}
	return dst, encoded
}

// appendField appends field i and those of the same name behind it as one member.
func (r *response) appendField(dst, b []byte, i int) []byte {
	f := &r.fields[i]
	dst = append(dst, '"')
	dst = append(dst, b[f.name:f.nameEnd]...) // a token needs no escapes
	dst = append(dst, `":"`...)
	dst = appendFieldText(dst, b[f.value:f.valueEnd])
	for j := r.again(b, i, i+1); j >= 0; j = r.again(b, i, j+1) {
		g := &r.fields[j]
		dst = append(dst, ", "...)
		dst = appendFieldText(dst, b[g.value:g.valueEnd])
	}
	return append(dst, '"')
}

// appendList is appendField with a list of the values.
func (r *response) appendList(dst, b []byte, i int) []byte {
	f := &r.fields[i]
	dst = append(dst, '"')
	dst = append(dst, b[f.name:f.nameEnd]...)
	dst = append(dst, `":["`...)
	dst = appendFieldText(dst, b[f.value:f.valueEnd])
	for j := r.again(b, i, i+1); j >= 0; j = r.again(b, i, j+1) {
		g := &r.fields[j]
		dst = append(dst, `","`...)
		dst = appendFieldText(dst, b[g.value:g.valueEnd])
	}
	return append(dst, `"]`...)
}

// again returns the first field from j on that has the name of field i, and marks
// it as written, or -1. A length that comes again is left out: framing saw that it
// is the same number.
func (r *response) again(b []byte, i, j int) int {
	name := b[r.fields[i].name:r.fields[i].nameEnd]
	for ; j < len(r.fields); j++ {
		g := &r.fields[j]
		if g.joined || g.nameEnd-g.name != len(name) || !sameName(b[g.name:g.nameEnd], name) {
			continue
		}
		g.joined = true
		if g.kind != contentLength {
			return j
		}
	}
	return -1
}

// appendCookie appends the nth Set-Cookie field as a member of its own. A load
// balancer in single-value mode takes one value a name, so each name is written in
// another mix of cases.
func appendCookie(dst, b []byte, f *field, n int) []byte {
	dst = append(dst, '"')
	for _, c := range []byte("set-cookie") {
		if c != '-' {
			if n&1 != 0 {
				c -= 'a' - 'A'
			}
			n >>= 1
		}
		dst = append(dst, c)
	}
	dst = append(dst, `":"`...)
	dst = appendFieldText(dst, b[f.value:f.valueEnd])
	return append(dst, '"')
}

func (r *response) appendCookies(dst, b []byte) []byte {
	dst = append(dst, `,"cookies":[`...)
	first := true
	for i := range r.fields {
		f := &r.fields[i]
		if f.kind != setCookie || r.nominated(b, f) {
			continue
		}
		if !first {
			dst = append(dst, ',')
		}
		first = false
		dst = append(dst, '"')
		dst = appendFieldText(dst, b[f.value:f.valueEnd])
		dst = append(dst, '"')
	}
	return append(dst, ']')
}

// nominated reports whether a Connection field names f.
func (r *response) nominated(b []byte, f *field) bool {
	for _, c := range r.fields {
		if c.kind == connectionField && listNames(b[c.value:c.valueEnd], b[f.name:f.nameEnd]) {
			return true
		}
	}
	return false
}

// appendBody appends the members that hold the body, and the closing brace. Text
// goes as text. What is not UTF-8, what has a Content-Encoding, and what would be
// longer as text, goes as base64.
func appendBody(dst, body []byte, encoded bool) []byte {
	if len(body) == 0 {
		return append(dst, `,"isBase64Encoded":false,"body":""}`...)
	}
	if !encoded && utf8.Valid(body) {
		start := len(dst)
		most := start + base64.StdEncoding.EncodedLen(len(body))
		dst = append(dst, `,"isBase64Encoded":false,"body":"`...)
		dst = appendEscaped(dst, body)
		if len(dst) <= most || len(body) < 1<<10 {
			return append(dst, `"}`...)
		}
		dst = dst[:start]
	}
	dst = append(dst, `,"isBase64Encoded":true,"body":"`...)
	dst = appendBase64(dst, body)
	return append(dst, `"}`...)
}

// appendEventAnswer appends what an event that is not an HTTP request is answered
// with: the app's body if it is JSON, else null.
func appendEventAnswer(dst []byte, r *response, b []byte) []byte {
	if body := r.body(b); validJSON(body) {
		return append(dst, body...)
	}
	return append(dst, "null"...)
}
