package main

import "unicode/utf8"

const hexDigits = "0123456789abcdef"

// appendQuoted appends text, which must be valid UTF-8, as a JSON string.
func appendQuoted(dst, text []byte) []byte {
	dst = append(dst, '"')
	dst = appendEscaped(dst, text)
	return append(dst, '"')
}

// appendEscaped appends text, which must be valid UTF-8, as it stands between
// the quotes of a JSON string.
func appendEscaped(dst, text []byte) []byte {
	start := 0
	for {
		i := nextSpecial(text, start)
		dst = append(dst, text[start:i]...)
		if i == len(text) {
			return dst
		}
		dst = appendEscape(dst, text[i])
		start = i + 1
	}
}

func appendEscape(dst []byte, c byte) []byte {
	switch c {
	case '"', '\\':
		return append(dst, '\\', c)
	case '\n':
		return append(dst, '\\', 'n')
	case '\r':
		return append(dst, '\\', 'r')
	case '\t':
		return append(dst, '\\', 't')
	}
	return append(dst, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
}

// appendFieldText appends the bytes of a header field's value or name between
// the quotes of a JSON string. Bytes that are not UTF-8 are ISO 8859-1, which is
// what HTTP once said they are, so that none is lost.
func appendFieldText(dst, text []byte) []byte {
	if utf8.Valid(text) {
		return appendEscaped(dst, text)
	}
	for _, c := range text {
		switch {
		case c < 0x20 || c == '"' || c == '\\':
			dst = appendEscape(dst, c)
		default:
			dst = utf8.AppendRune(dst, rune(c))
		}
	}
	return dst
}
