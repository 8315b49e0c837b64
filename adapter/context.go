package main

import (
	"strconv"
	"unicode/utf8"
)

// maxContext is how long a context may be in a field. Longer ones are left out: many
// servers refuse a field of more than 8 KB.
const maxContext = 8 << 10

// reserved reports whether a field is of those that only the adapter sets. A request
// that has one is forged. Servers of the CGI family make no difference between the
// hyphen and the underscore.
func reserved(name []byte) bool {
	const prefix = "twofold"
	return len(name) > len(prefix) && nameEqual(name[:len(prefix)], prefix) &&
		(name[len(prefix)] == '-' || name[len(prefix)] == '_')
}

// isTrace reports whether a field is, to some server, the trace id.
func isTrace(name []byte) bool {
	const trace = "x-amzn-trace-id"
	if len(name) != len(trace) {
		return false
	}
	for i, c := range name {
		if c == '_' {
			c = '-'
		}
		if lower(c) != trace[i] {
			return false
		}
	}
	return true
}

// appendInvocation appends the fields that say which invocation it is.
func appendInvocation(h []byte, inv *invocation) []byte {
	h = appendField(h, "Twofold-Request-Id", []byte(inv.id))
	h = appendField(h, "Twofold-Function-Arn", []byte(inv.arn))
	if !inv.deadline.IsZero() {
		h = appendField(h, "Twofold-Deadline-Ms", strconv.AppendInt(nil, inv.deadline.UnixMilli(), 10))
	}
	return appendContext(h, "Twofold-Lambda-Context", inv.lambdaContext())
}

// lambdaContext returns what the platform says of the caller as a JSON object, or nil.
func (inv *invocation) lambdaContext() []byte {
	var c []byte
	for _, one := range [...]struct{ name, value string }{
		{"clientContext", inv.clientContext}, {"cognitoIdentity", inv.cognitoIdentity}, {"tenantId", inv.tenantID},
	} {
		if one.value == "" {
			continue
		}
		c = append(c, "{,"[min(len(c), 1)])
		c = append(c, '"')
		c = append(c, one.name...)
		c = append(c, `":`...)
		if one.name != "tenantId" && validJSON([]byte(one.value)) {
			c = append(c, one.value...)
		} else {
			c = appendQuoted(c, appendValid(nil, []byte(one.value)))
		}
	}
	if c != nil {
		c = append(c, '}')
	}
	return c
}

// appendContext appends a field that holds well-formed JSON: without spaces, and in
// ASCII, so that each server reads it in the same way.
func appendContext(h []byte, name string, json []byte) []byte {
	if len(json) == 0 {
		return h
	}
	start := len(h)
	h = append(h, name...)
	h = append(h, ": "...)
	value := len(h)
	h = appendCompact(h, json)
	if len(h)-value > maxContext {
		return h[:start]
	}
	return append(h, "\r\n"...)
}

// appendCompact appends well-formed JSON without the spaces between its parts, and
// with an escape for each character that is not a visible one of ASCII.
func appendCompact(dst, json []byte) []byte {
	inString := false
	for i := 0; i < len(json); {
		c := json[i]
		switch {
		case !inString && c <= ' ':
			i++
		case c < utf8.RuneSelf && c != 0x7f:
			dst = append(dst, c)
			if c == '"' {
				inString = !inString
			}
			if c == '\\' && i+1 < len(json) {
				i++
				dst = append(dst, json[i])
			}
			i++
		default:
			r, n := utf8.DecodeRune(json[i:])
			dst = appendEscapedRune(dst, r)
			i += n
		}
	}
	return dst
}

func appendEscapedRune(dst []byte, r rune) []byte {
	if r > 0xffff {
		r -= 0x10000
		dst = appendEscapedRune(dst, 0xd800+r>>10)
		r = 0xdc00 + r&0x3ff
	}
	return append(dst, '\\', 'u', hexDigits[r>>12&15], hexDigits[r>>8&15], hexDigits[r>>4&15], hexDigits[r&15])
}
