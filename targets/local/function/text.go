package function

import "unicode/utf8"

// appendString appends a JSON string. Text that is not UTF-8 is taken for
// ISO 8859-1, which is what the bytes of an HTTP header are by its first
// standard; so no byte is lost, and the event is always valid JSON.
func appendString(b []byte, s string) []byte {
	if utf8.ValidString(s) {
		return appendText(b, s)
	}
	runes := make([]rune, len(s))
	for i := range len(s) {
		runes[i] = rune(s[i])
	}
	return appendText(b, string(runes))
}

// appendText appends a JSON string of text that is known to be UTF-8.
func appendText[S string | []byte](b []byte, s S) []byte {
	const hex = "0123456789abcdef"
	b = append(b, '"')
	start := 0
	for i := range len(s) {
		c := s[i]
		if c >= ' ' && c != '"' && c != '\\' {
			continue
		}
		b = append(b, s[start:i]...)
		switch c {
		case '"', '\\':
			b = append(b, '\\', c)
		case '\n':
			b = append(b, '\\', 'n')
		case '\r':
			b = append(b, '\\', 'r')
		case '\t':
			b = append(b, '\\', 't')
		default:
			b = append(b, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
		}
		start = i + 1
	}
	b = append(b, s[start:]...)
	return append(b, '"')
}
