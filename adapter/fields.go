package main

// This file knows the names of HTTP fields and the bytes that may stand in them.

// token marks the bytes of a field's name and of a method (RFC 9110, 5.6.2).
var token = func() (t [256]bool) {
	for _, c := range "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ" {
		t[c] = true
	}
	return t
}()

func isToken(b []byte) bool {
	for _, c := range b {
		if !token[c] {
			return false
		}
	}
	return len(b) > 0
}

// lower returns the lower case of an ASCII letter, and any other byte as it is.
func lower(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		return c + 'a' - 'A'
	}
	return c
}

// sameName reports whether two names of fields are the same but for case.
func sameName(a, b []byte) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i] != b[i] && lower(a[i]) != lower(b[i]) {
			return false
		}
	}
	return true
}

// nameEqual is sameName with a name that is in lower case already.
func nameEqual(b []byte, name string) bool {
	if len(b) != len(name) {
		return false
	}
	for i := range b {
		if b[i] != name[i] && lower(b[i]) != name[i] {
			return false
		}
	}
	return true
}

// isOwnField reports whether a name is one of those that only the adapter sends, so
// that no client can pass a request off as an event. An underscore counts as a hyphen:
// to an app behind CGI or WSGI they are the same.
func isOwnField(name []byte) bool {
	const begin = "twofold"
	return len(name) > len(begin) && (name[len(begin)] == '-' || name[len(begin)] == '_') && nameEqual(name[:len(begin)], begin)
}

// fieldKind says what the adapter does with a field.
type fieldKind uint8

const (
	ordinary fieldKind = iota
	// hopByHop fields speak of one connection and are not forwarded
	// (RFC 9110, 7.6.1, and those that httputil.ReverseProxy removes).
	hopByHop
	connectionField
	transferEncoding
	contentLength
	contentEncoding
	hostField
	cookieField
	setCookie
	expectField
	// waitField is Twofold-Wait of an answer, which is for the adapter.
	waitField
)

// kindOf returns the kind of the field of that name, in whatever case.
func kindOf(name []byte) fieldKind {
	switch len(name) {
	case 2:
		if nameEqual(name, "te") {
			return hopByHop
		}
	case 4:
		if nameEqual(name, "host") {
			return hostField
		}
	case 6:
		if nameEqual(name, "cookie") {
			return cookieField
		}
		if nameEqual(name, "expect") {
			return expectField
		}
	case 7:
		if nameEqual(name, "trailer") || nameEqual(name, "upgrade") {
			return hopByHop
		}
	case 10:
		if nameEqual(name, "connection") {
			return connectionField
		}
		if nameEqual(name, "set-cookie") {
			return setCookie
		}
		if nameEqual(name, "keep-alive") {
			return hopByHop
		}
	case 12:
		if nameEqual(name, "twofold-wait") {
			return waitField
		}
	case 14:
		if nameEqual(name, "content-length") {
			return contentLength
		}
	case 16:
		if nameEqual(name, "content-encoding") {
			return contentEncoding
		}
		if nameEqual(name, "proxy-connection") {
			return hopByHop
		}
	case 17:
		if nameEqual(name, "transfer-encoding") {
			return transferEncoding
		}
	case 18:
		if nameEqual(name, "proxy-authenticate") {
			return hopByHop
		}
	case 19:
		if nameEqual(name, "proxy-authorization") {
			return hopByHop
		}
	}
	return ordinary
}

// trimSpace returns b without spaces and tabs at its ends.
func trimSpace(b []byte) []byte {
	for len(b) > 0 && (b[0] == ' ' || b[0] == '\t') {
		b = b[1:]
	}
	for len(b) > 0 && (b[len(b)-1] == ' ' || b[len(b)-1] == '\t') {
		b = b[:len(b)-1]
	}
	return b
}

// elements calls each for every non-empty element of a comma-separated value,
// until it returns false.
func elements(value []byte, each func(element []byte) bool) {
	for len(value) > 0 {
		i := 0
		for i < len(value) && value[i] != ',' {
			i++
		}
		if e := trimSpace(value[:i]); len(e) > 0 && !each(e) {
			return
		}
		if i == len(value) {
			return
		}
		value = value[i+1:]
	}
}

// listHas reports whether a comma-separated value holds an element, in whatever
// case; element is in lower case.
func listHas(value []byte, element string) bool {
	found := false
	elements(value, func(e []byte) bool {
		found = nameEqual(e, element)
		return !found
	})
	return found
}

// listNames reports whether a comma-separated value holds the name of a field.
func listNames(value, name []byte) bool {
	found := false
	elements(value, func(e []byte) bool {
		found = sameName(e, name)
		return !found
	})
	return found
}
