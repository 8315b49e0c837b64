package parity

import (
	"errors"
	"fmt"
	"strings"
)

// check says why a request cannot be sent as it is.
func (r *Request) check() error {
	if err := checkMethod(r.Method); err != nil {
		return err
	}
	if err := checkPath(r.Path); err != nil {
		return err
	}
	for _, h := range r.Headers {
		if err := checkHeader(h.Name, h.Value); err != nil {
			return err
		}
	}
	if len(r.Body) > MaxBody {
		return fmt.Errorf("the body has %d bytes, more than the %d MB that parity sends", len(r.Body), MaxBody>>20)
	}
	return nil
}

// checkPath says why a path cannot be sent as it is. Escapes are not checked:
// how a side answers a wrong one is worth comparing.
func checkPath(path string) error {
	if path == "*" {
		return nil
	}
	if !strings.HasPrefix(path, "/") {
		return errors.New(`a path begins with "/"`)
	}
	for i := range len(path) {
		switch c := path[i]; {
		case c == ' ':
			return errors.New("a space would end the path: write %20")
		case c == '#':
			return errors.New("a fragment is never sent: leave it out, or write %23")
		case c < 0x20 || c == 0x7f:
			return fmt.Errorf("a control character would break the request: write %%%02X", c)
		}
	}
	return nil
}

// checkHeader says why a header cannot be sent by itself.
func checkHeader(name, value string) error {
	if !validToken(name, "") {
		return fmt.Errorf("%q is no header name", name)
	}
	switch strings.ToLower(name) {
	case "content-length":
		return errors.New("Content-Length is stated from the body: leave it out")
	case "transfer-encoding":
		return errors.New("leave Transfer-Encoding out, and write chunked = true to send the body in chunks")
	case "connection", "keep-alive", "upgrade", "te", "trailer", "proxy-connection":
		return fmt.Errorf("%s concerns one connection and never reaches the app behind a gateway: leave it out", name)
	case "host":
		if !validToken(value, ":[]") {
			return fmt.Errorf("%q is no host name", value)
		}
	}
	if strings.ContainsAny(value, "\r\n\x00") {
		return fmt.Errorf("the value of %s holds a line break or a NUL, which a header cannot carry", name)
	}
	return nil
}

func checkMethod(method string) error {
	if !validToken(method, "") {
		return fmt.Errorf("%q is no HTTP method", method)
	}
	if method == "CONNECT" {
		return errors.New("CONNECT asks a proxy and not an app")
	}
	return nil
}

// validToken reports whether s is a token of RFC 9110 section 5.6.2; also lists
// further bytes that are allowed.
func validToken(s, also string) bool {
	for i := range len(s) {
		c := s[i]
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9':
		case strings.IndexByte("!#$%&'*+-.^_`|~", c) >= 0, strings.IndexByte(also, c) >= 0:
		default:
			return false
		}
	}
	return s != ""
}
