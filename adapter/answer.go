package main

import (
	"encoding/base64"
	"strconv"
	"unicode/utf8"
)

// maxAnswer is how long the JSON of an answer may be: Lambda's limit for a
// buffered response, as its error message states it.
const maxAnswer = 6291556

// appendAnswer appends the JSON that HTTP APIs (payload format 2.0) and function
// URLs take for the app's answer r, whose bytes are in b.
//
// Repeated fields are joined with commas, but for Set-Cookie, each of which is an
// element of cookies. Hop-by-hop fields are left out.
func appendAnswer(dst []byte, r *response, b []byte) []byte {
	dst = append(dst, `{"statusCode":`...)
	dst = strconv.AppendInt(dst, int64(r.status), 10)
	dst = append(dst, `,"headers":{`...)
	encoded := false
	cookies := 0
	first := true
	for i := range r.fields {
		f := &r.fields[i]
		switch f.kind {
		case hopByHop, connectionField, transferEncoding:
			continue
		case setCookie:
			cookies++
			continue
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
		dst = r.appendField(dst, b, i)
	}
	dst = append(dst, '}')
	if cookies > 0 {
		dst = r.appendCookies(dst, b)
	}
	return appendBody(dst, r.body(b), encoded)
}

// appendField appends field i and those of the same name behind it as one member.
func (r *response) appendField(dst, b []byte, i int) []byte {
	f := &r.fields[i]
	name := b[f.name:f.nameEnd]
	dst = append(dst, '"')
	dst = append(dst, name...) // a token needs no escapes
	dst = append(dst, `":"`...)
	dst = appendFieldText(dst, b[f.value:f.valueEnd])
	for j := i + 1; j < len(r.fields); j++ {
		g := &r.fields[j]
		if g.joined || g.nameEnd-g.name != len(name) || !sameName(b[g.name:g.nameEnd], name) {
			continue
		}
		g.joined = true
		if g.kind == contentLength {
			continue // framing saw that it is the same number
		}
		dst = append(dst, ", "...)
		dst = appendFieldText(dst, b[g.value:g.valueEnd])
	}
	return append(dst, '"')
}

func (r *response) appendCookies(dst, b []byte) []byte {
	dst = append(dst, `,"cookies":[`...)
	first := true
	for _, f := range r.fields {
		if f.kind != setCookie {
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
