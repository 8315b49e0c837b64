package function

import (
	"bytes"
	"unicode/utf16"
	"unicode/utf8"
)

// scanner walks through JSON text without building values: an answer's body may
// be megabytes, and is wanted as bytes, once. It accepts what encoding/json
// accepts.
type scanner struct {
	b     []byte
	at    int
	depth int
}

// deepest is the nesting that encoding/json allows too.
const deepest = 10000

// object calls field for each member of a JSON object that is the whole text.
// It returns false if the text is not valid or not an object.
func scanObject(text []byte, field func(name string, value []byte)) bool {
	s := &scanner{b: text}
	s.space()
	if s.peek() != '{' || !s.members(field) {
		return false
	}
	s.space()
	return s.at == len(s.b)
}

// scanArray calls element for each element of a JSON array.
func scanArray(text []byte, element func(value []byte)) bool {
	s := &scanner{b: text}
	s.space()
	if s.peek() != '[' || !s.elements(element) {
		return false
	}
	s.space()
	return s.at == len(s.b)
}

// trimValue returns the text without the space around it, if it is one valid
// JSON value.
func trimValue(text []byte) ([]byte, bool) {
	s := &scanner{b: text}
	s.space()
	start := s.at
	if !s.value() {
		return nil, false
	}
	end := s.at
	s.space()
	return text[start:end], s.at == len(s.b)
}

func (s *scanner) peek() byte {
	if s.at < len(s.b) {
		return s.b[s.at]
	}
	return 0
}

func (s *scanner) space() {
	for s.at < len(s.b) {
		switch s.b[s.at] {
		case ' ', '\t', '\r', '\n':
			s.at++
		default:
			return
		}
	}
}

func (s *scanner) accept(c byte) bool {
	if s.peek() != c || s.at >= len(s.b) {
		return false
	}
	s.at++
	return true
}

// value moves past one value.
func (s *scanner) value() bool {
	switch c := s.peek(); c {
	case '"':
		return s.str()
	case '{':
		return s.members(nil)
	case '[':
		return s.elements(nil)
	case 't':
		return s.word("true")
	case 'f':
		return s.word("false")
	case 'n':
		return s.word("null")
	default:
		return s.number()
	}
}

func (s *scanner) word(w string) bool {
	if len(s.b)-s.at < len(w) || string(s.b[s.at:s.at+len(w)]) != w {
		return false
	}
	s.at += len(w)
	return true
}

func (s *scanner) digits() bool {
	start := s.at
	for s.at < len(s.b) && s.b[s.at] >= '0' && s.b[s.at] <= '9' {
		s.at++
	}
	return s.at > start
}

func (s *scanner) number() bool {
	s.accept('-')
	if !s.accept('0') && !s.digits() {
		return false
	}
	if s.accept('.') && !s.digits() {
		return false
	}
	if s.accept('e') || s.accept('E') {
		if !s.accept('+') {
			s.accept('-')
		}
		return s.digits()
	}
	return true
}

// str moves past a string.
func (s *scanner) str() bool {
	if !s.accept('"') {
		return false
	}
	for {
		s.at += plainLength(s.b[s.at:])
		switch s.peek() {
		case '"':
			s.at++
			return true
		case '\\':
			s.at++
			if !s.escape() {
				return false
			}
		default: // a control character, or the end
			return false
		}
	}
}

// escape moves past what follows a backslash.
func (s *scanner) escape() bool {
	switch s.peek() {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		s.at++
		return true
	case 'u':
		_, ok := hex4(s.b[s.at+1:])
		s.at += 5
		return ok
	default:
		return false
	}
}

func (s *scanner) members(field func(string, []byte)) bool {
	if s.depth++; s.depth > deepest {
		return false
	}
	s.at++
	s.space()
	if s.accept('}') {
		s.depth--
		return true
	}
	for {
		s.space()
		start := s.at
		if !s.str() {
			return false
		}
		name := s.b[start:s.at]
		s.space()
		if !s.accept(':') {
			return false
		}
		s.space()
		start = s.at
		if !s.value() {
			return false
		}
		if field != nil {
			field(string(unquote(name)), s.b[start:s.at])
		}
		s.space()
		if s.accept('}') {
			s.depth--
			return true
		}
		if !s.accept(',') {
			return false
		}
	}
}

func (s *scanner) elements(element func([]byte)) bool {
	if s.depth++; s.depth > deepest {
		return false
	}
	s.at++
	s.space()
	if s.accept(']') {
		s.depth--
		return true
	}
	for {
		s.space()
		start := s.at
		if !s.value() {
			return false
		}
		if element != nil {
			element(s.b[start:s.at])
		}
		s.space()
		if s.accept(']') {
			s.depth--
			return true
		}
		if !s.accept(',') {
			return false
		}
	}
}

// hex4 decodes four hexadecimal digits.
func hex4(b []byte) (r rune, ok bool) {
	if len(b) < 4 {
		return 0, false
	}
	for _, c := range b[:4] {
		switch {
		case c >= '0' && c <= '9':
			c -= '0'
		case c >= 'a' && c <= 'f':
			c -= 'a' - 10
		case c >= 'A' && c <= 'F':
			c -= 'A' - 10
		default:
			return 0, false
		}
		r = r<<4 | rune(c)
	}
	return r, true
}

// unquote returns the text of a valid JSON string with its quotes. Where there
// is nothing to decode, the result shares the memory of the string. Bytes that
// are not UTF-8, and halves of surrogate pairs, become U+FFFD.
func unquote(q []byte) []byte {
	q = q[1 : len(q)-1]
	if !utf8.Valid(q) {
		q = []byte(string([]rune(string(q)))) // each bad byte becomes U+FFFD
	}
	i := bytes.IndexByte(q, '\\')
	if i < 0 {
		return q
	}
	// The text is never longer than its escaped form.
	out := make([]byte, len(q))
	n := copy(out, q[:i])
	for i < len(q) {
		switch c := q[i]; {
		case c != '\\':
			out[n] = c
			n++
			i++
		case q[i+1] != 'u':
			out[n] = unescaped(q[i+1])
			n++
			i += 2
		default:
			r, _ := hex4(q[i+2:])
			i += 6
			if utf16.IsSurrogate(r) {
				low := rune(-1)
				if i+6 <= len(q) && q[i] == '\\' && q[i+1] == 'u' {
					low, _ = hex4(q[i+2:])
				}
				if r = utf16.DecodeRune(r, low); r != utf8.RuneError {
					i += 6
				}
			}
			n += utf8.EncodeRune(out[n:], r)
		}
	}
	return out[:n]
}

func unescaped(c byte) byte {
	switch c {
	case 'b':
		return '\b'
	case 'f':
		return '\f'
	case 'n':
		return '\n'
	case 'r':
		return '\r'
	case 't':
		return '\t'
	default:
		return c
	}
}
