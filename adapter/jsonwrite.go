package main

import (
	"encoding/binary"
	"math/bits"
	"slices"
	"unicode/utf8"
)

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
	for {
		// Room for an escape in eight bytes; a text with more of them gets more.
		dst = slices.Grow(dst, len(text)+len(text)/8+escapeRoom)
		n := 0
		dst, n = escapeInto(dst, text)
		if n == len(text) {
			return dst
		}
		text = text[n:]
	}
}

// escapeRoom is how much room the escapes of eight bytes need, twice.
const escapeRoom = 2 * 8 * len(`\u0000`)

// escapeInto appends escaped text as long as dst has room, and returns how much of
// the text that was. It works on eight bytes at a time.
func escapeInto(dst, text []byte) (_ []byte, n int) {
	to, out := len(dst), dst[:cap(dst)]
	for n+8 <= len(text) && to+escapeRoom <= len(out) {
		x := binary.LittleEndian.Uint64(text[n:])
		m := specials(x)
		binary.LittleEndian.PutUint64(out[to:], x)
		if m == 0 {
			n, to = n+8, to+8
			continue
		}
		done := 0
		for ; m != 0; m &= m - 1 {
			k := bits.TrailingZeros64(m) >> 3
			binary.LittleEndian.PutUint64(out[to:], x>>(8*done))
			to += k - done
			to += putEscape(out[to:to+8], byte(x>>(8*k)))
			done = k + 1
		}
		if done < 8 {
			binary.LittleEndian.PutUint64(out[to:], x>>(8*done))
		}
		n, to = n+8, to+8-done
	}
	for n < len(text) && to+escapeRoom <= len(out) {
		if c := text[n]; c < 0x20 || c == '"' || c == '\\' {
			to += putEscape(out[to:to+8], c)
		} else {
			out[to] = c
			to++
		}
		n++
	}
	return out[:to], n
}

// putEscape writes the escape of c to the beginning of b, which is eight bytes
// long, and returns its length.
func putEscape(b []byte, c byte) int {
	e := escapes[c]
	binary.LittleEndian.PutUint64(b, e)
	return int(e >> 56)
}

// escapes holds the escape of each byte that needs one: its bytes, the first one
// lowest, and in the highest byte their number.
var escapes = func() (t [256]uint64) {
	for c := range uint64(0x20) {
		t[c] = '\\' | 'u'<<8 | '0'<<16 | '0'<<24 |
			uint64(hexDigits[c>>4])<<32 | uint64(hexDigits[c&15])<<40 | 6<<56
	}
	const short = "\"\"\\\\\nn\rr\tt\bb\ff" // a byte, and the letter of its escape
	for i := 0; i < len(short); i += 2 {
		t[short[i]] = '\\' | uint64(short[i+1])<<8 | 2<<56
	}
	return t
}()

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
			dst = appendEscaped(dst, []byte{c})
		default:
			dst = utf8.AppendRune(dst, rune(c))
		}
	}
	return dst
}
