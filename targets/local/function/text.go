package function

import (
	"encoding/binary"
	"math/bits"
	"unicode/utf8"
)

// appendString appends a JSON string. Text that is not UTF-8 is taken for
// ISO 8859-1, which is what the bytes of an HTTP header are by its first
// standard; so no byte is lost, and the event is always valid JSON.
func appendString(b []byte, s string) []byte {
	if !utf8.ValidString(s) {
		runes := make([]rune, len(s))
		for i := range len(s) {
			runes[i] = rune(s[i])
		}
		s = string(runes)
	}
	b = append(b, '"')
	start := 0
	for i := range len(s) {
		if c := s[i]; c < ' ' || c == '"' || c == '\\' {
			b = append(b, s[start:i]...)
			b = appendEscape(b, c)
			start = i + 1
		}
	}
	b = append(b, s[start:]...)
	return append(b, '"')
}

// appendText appends a JSON string of a body that is known to be UTF-8.
func appendText(b, s []byte) []byte {
	b = append(b, '"')
	for {
		n := plainLength(s)
		b = append(b, s[:n]...)
		if n == len(s) {
			return append(b, '"')
		}
		b = appendEscape(b, s[n])
		s = s[n+1:]
	}
}

func appendEscape(b []byte, c byte) []byte {
	const hex = "0123456789abcdef"
	switch c {
	case '"', '\\':
		return append(b, '\\', c)
	case '\n':
		return append(b, '\\', 'n')
	case '\r':
		return append(b, '\\', 'r')
	case '\t':
		return append(b, '\\', 't')
	default:
		return append(b, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
	}
}

// plainLength returns how many bytes stand at the beginning of b before the
// first that a JSON string cannot hold as it is: a quote, a backslash, a control
// character. It looks at eight bytes at a time, because bodies are large.
func plainLength(b []byte) int {
	const (
		ones = 0x0101010101010101
		tops = 0x8080808080808080
	)
	// Where special bytes stand close together, single steps are faster.
	n := 0
	for ; n < min(len(b), 12); n++ {
		if c := b[n]; c < ' ' || c == '"' || c == '\\' {
			return n
		}
	}
	for ; n+8 <= len(b); n += 8 {
		x := binary.LittleEndian.Uint64(b[n:])
		quote, backslash := x^(ones*'"'), x^(ones*'\\')
		// Each term sets the top bit of a byte that is found; a borrow can mark
		// only bytes behind the first one.
		found := ((x-ones*' ')&^x | (quote-ones)&^quote | (backslash-ones)&^backslash) & tops
		if found != 0 {
			return n + bits.TrailingZeros64(found)/8
		}
	}
	for ; n < len(b); n++ {
		if c := b[n]; c < ' ' || c == '"' || c == '\\' {
			break
		}
	}
	return n
}
