package main

import (
	"bytes"
	"encoding/binary"
	"math/bits"
	"unicode/utf16"
	"unicode/utf8"
)

// This file reads JSON without building values: a value is the slice of the
// event that holds it. What it accepts and what a string decodes to is the same
// as in encoding/json; a fuzz test holds the two side by side.

// maxDepth is how deep arrays and objects may nest, as in encoding/json.
const maxDepth = 10000

// cursor walks over the members of one JSON object.
type cursor struct {
	data []byte
	pos  int
	// state is where the cursor stands.
	state cursorState
}

type cursorState uint8

const (
	beforeFirst cursorState = iota
	betweenMembers
	atEnd
	malformed
)

// openObject returns a cursor over the object that data begins with. Data that
// begins with anything else is malformed.
func openObject(data []byte) cursor {
	i := skipSpace(data, 0)
	if i >= len(data) || data[i] != '{' {
		return cursor{state: malformed}
	}
	return cursor{data: data, pos: i + 1}
}

// next returns the next member: the raw text between the quotes of its name, and
// the raw text of its value. It returns false at the end and where the JSON is
// malformed; complete tells the two apart.
func (c *cursor) next() (name, value []byte, ok bool) {
	if c.state == atEnd || c.state == malformed {
		return nil, nil, false
	}
	i := skipSpace(c.data, c.pos)
	if i < len(c.data) && c.data[i] == '}' {
		c.state, c.pos = atEnd, i+1
		return nil, nil, false
	}
	if c.state == betweenMembers {
		if i >= len(c.data) || c.data[i] != ',' {
			return c.fail()
		}
		i = skipSpace(c.data, i+1)
	}
	nameEnd, colon, ok := skipName(c.data, i)
	if !ok {
		return c.fail()
	}
	start := skipSpace(c.data, colon+1)
	end, ok := skipValue(c.data, start, 1)
	if !ok {
		return c.fail()
	}
	c.state, c.pos = betweenMembers, end
	return c.data[i+1 : nameEnd-1], c.data[start:end], true
}

func (c *cursor) fail() (name, value []byte, ok bool) {
	c.state = malformed
	return nil, nil, false
}

// complete reports, after next returned false, whether the object was well
// formed and nothing but white space follows it.
func (c *cursor) complete() bool {
	return c.state == atEnd && skipSpace(c.data, c.pos) == len(c.data)
}

// list walks over the elements of one JSON array.
type list struct{ c cursor }

// openList returns a list over the array that data begins with.
func openList(data []byte) list {
	i := skipSpace(data, 0)
	if i >= len(data) || data[i] != '[' {
		return list{cursor{state: malformed}}
	}
	return list{cursor{data: data, pos: i + 1}}
}

// next returns the raw text of the next element.
func (l *list) next() (value []byte, ok bool) {
	c := &l.c
	if c.state == atEnd || c.state == malformed {
		return nil, false
	}
	i := skipSpace(c.data, c.pos)
	if i < len(c.data) && c.data[i] == ']' {
		c.state, c.pos = atEnd, i+1
		return nil, false
	}
	if c.state == betweenMembers {
		if i >= len(c.data) || c.data[i] != ',' {
			c.state = malformed
			return nil, false
		}
		i = skipSpace(c.data, i+1)
	}
	end, ok := skipValue(c.data, i, 1)
	if !ok {
		c.state = malformed
		return nil, false
	}
	c.state, c.pos = betweenMembers, end
	return c.data[i:end], true
}

// complete reports, after next returned false, whether the array was well formed.
func (l *list) complete() bool { return l.c.complete() }

// validJSON reports whether data is one JSON value.
func validJSON(data []byte) bool {
	end, ok := skipValue(data, skipSpace(data, 0), 0)
	return ok && skipSpace(data, end) == len(data)
}

func skipSpace(b []byte, i int) int {
	for i < len(b) && (b[i] == ' ' || b[i] == '\n' || b[i] == '\r' || b[i] == '\t') {
		i++
	}
	return i
}

// skipName returns the end of the string at b[i], a member's name, and the place
// of the colon that follows.
func skipName(b []byte, i int) (end, colon int, ok bool) {
	if i >= len(b) || b[i] != '"' {
		return 0, 0, false
	}
	end, ok = skipString(b, i)
	if !ok {
		return 0, 0, false
	}
	colon = skipSpace(b, end)
	return end, colon, colon < len(b) && b[colon] == ':'
}

// skipValue returns the end of the value that begins at b[i].
func skipValue(b []byte, i, depth int) (end int, ok bool) {
	if i >= len(b) {
		return 0, false
	}
	switch c := b[i]; {
	case c == '"':
		return skipString(b, i)
	case c == '{':
		return skipObject(b, i+1, depth+1)
	case c == '[':
		return skipArray(b, i+1, depth+1)
	case c == 't':
		return skipWord(b, i, "true")
	case c == 'f':
		return skipWord(b, i, "false")
	case c == 'n':
		return skipWord(b, i, "null")
	default:
		return skipNumber(b, i)
	}
}

func skipWord(b []byte, i int, word string) (int, bool) {
	end := i + len(word)
	return end, end <= len(b) && string(b[i:end]) == word
}

func skipObject(b []byte, i, depth int) (int, bool) {
	if depth > maxDepth {
		return 0, false
	}
	i = skipSpace(b, i)
	if i < len(b) && b[i] == '}' {
		return i + 1, true
	}
	for {
		_, colon, ok := skipName(b, i)
		if !ok {
			return 0, false
		}
		end, ok := skipValue(b, skipSpace(b, colon+1), depth)
		if !ok {
			return 0, false
		}
		i = skipSpace(b, end)
		if i >= len(b) {
			return 0, false
		}
		if b[i] == '}' {
			return i + 1, true
		}
		if b[i] != ',' {
			return 0, false
		}
		i = skipSpace(b, i+1)
	}
}

func skipArray(b []byte, i, depth int) (int, bool) {
	if depth > maxDepth {
		return 0, false
	}
	i = skipSpace(b, i)
	if i < len(b) && b[i] == ']' {
		return i + 1, true
	}
	for {
		end, ok := skipValue(b, i, depth)
		if !ok {
			return 0, false
		}
		i = skipSpace(b, end)
		if i >= len(b) {
			return 0, false
		}
		if b[i] == ']' {
			return i + 1, true
		}
		if b[i] != ',' {
			return 0, false
		}
		i = skipSpace(b, i+1)
	}
}

func skipNumber(b []byte, i int) (int, bool) {
	if i < len(b) && b[i] == '-' {
		i++
	}
	switch {
	case i < len(b) && b[i] == '0':
		i++
	case i < len(b) && '1' <= b[i] && b[i] <= '9':
		i = skipDigits(b, i)
	default:
		return 0, false
	}
	if i < len(b) && b[i] == '.' {
		start := i + 1
		if i = skipDigits(b, start); i == start {
			return 0, false
		}
	}
	if i < len(b) && (b[i] == 'e' || b[i] == 'E') {
		i++
		if i < len(b) && (b[i] == '+' || b[i] == '-') {
			i++
		}
		start := i
		if i = skipDigits(b, start); i == start {
			return 0, false
		}
	}
	return i, true
}

func skipDigits(b []byte, i int) int {
	for i < len(b) && '0' <= b[i] && b[i] <= '9' {
		i++
	}
	return i
}

// skipString returns the end of the string that begins with the quote at b[i].
func skipString(b []byte, i int) (end int, ok bool) {
	i++
	for {
		i = nextSpecial(b, i)
		if i >= len(b) {
			return 0, false
		}
		switch b[i] {
		case '"':
			return i + 1, true
		case '\\':
			if i = skipEscape(b, i+1); i < 0 {
				return 0, false
			}
		default: // a control byte
			return 0, false
		}
	}
}

// skipEscape returns the end of the escape whose letter is b[i], or -1.
func skipEscape(b []byte, i int) int {
	if i >= len(b) {
		return -1
	}
	switch b[i] {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return i + 1
	case 'u':
		if i+5 > len(b) || hex4(b[i+1:i+5]) < 0 {
			return -1
		}
		return i + 5
	}
	return -1
}

const (
	everyByte = 0x0101010101010101
	highBits  = 0x8080808080808080
)

// nextSpecial returns the place, from i on, of the first quote, backslash or
// control byte, or len(b). It looks at eight bytes at a time.
func nextSpecial(b []byte, i int) int {
	for ; i+8 <= len(b); i += 8 {
		if m := specials(binary.LittleEndian.Uint64(b[i:])); m != 0 {
			return i + bits.TrailingZeros64(m)>>3
		}
	}
	for ; i < len(b); i++ {
		if c := b[i]; c < 0x20 || c == '"' || c == '\\' {
			return i
		}
	}
	return len(b)
}

// specials has the high bit set in the place of the lowest byte of x that must
// be escaped in JSON; bits above that one may be wrong.
func specials(x uint64) uint64 {
	quote := x ^ everyByte*'"'
	slash := x ^ everyByte*'\\'
	return ((x-everyByte*0x20)&^x | (quote-everyByte)&^quote | (slash-everyByte)&^slash) & highBits
}

// isString reports whether a raw value is a string.
func isString(value []byte) bool { return len(value) >= 2 && value[0] == '"' }

// isNull reports whether a raw value is null.
func isNull(value []byte) bool { return len(value) == 4 && value[0] == 'n' }

// nameIs reports whether the raw text of a member's name stands for name.
func nameIs(raw []byte, name string) bool {
	if string(raw) == name {
		return true
	}
	if bytes.IndexByte(raw, '\\') < 0 {
		return false
	}
	return string(appendUnquoted(nil, raw)) == name
}

// unquoteInPlace returns what the well-formed raw text between the quotes of a
// string stands for. The result shares raw's memory and overwrites it, but for
// text that is not valid UTF-8, which grows when it is mended.
func unquoteInPlace(raw []byte) []byte {
	valid := utf8.Valid(raw)
	if valid && bytes.IndexByte(raw, '\\') < 0 {
		return raw
	}
	if !valid {
		return appendUnquoted(make([]byte, 0, len(raw)+len(raw)/2), raw)
	}
	return appendUnquoted(raw[:0], raw)
}

// appendUnquoted appends what the well-formed raw text between the quotes of a
// string stands for. As in encoding/json, bytes that are not valid UTF-8 and lone
// surrogates become U+FFFD.
func appendUnquoted(dst, raw []byte) []byte {
	for len(raw) > 0 {
		i := bytes.IndexByte(raw, '\\')
		if i < 0 {
			return appendValid(dst, raw)
		}
		dst = appendValid(dst, raw[:i])
		raw = raw[i+1:]
		switch raw[0] {
		case 'b':
			dst = append(dst, '\b')
		case 'f':
			dst = append(dst, '\f')
		case 'n':
			dst = append(dst, '\n')
		case 'r':
			dst = append(dst, '\r')
		case 't':
			dst = append(dst, '\t')
		case 'u':
			r := hex4(raw[1:5])
			raw = raw[4:]
			if utf16.IsSurrogate(r) {
				r2 := rune(-1)
				if len(raw) >= 7 && raw[1] == '\\' && raw[2] == 'u' {
					r2 = hex4(raw[3:7])
				}
				if r = utf16.DecodeRune(r, r2); r != utf8.RuneError {
					raw = raw[6:]
				}
			}
			dst = utf8.AppendRune(dst, r)
		default: // quote, backslash, slash
			dst = append(dst, raw[0])
		}
		raw = raw[1:]
	}
	return dst
}

// appendValid appends text, with U+FFFD for every byte that is not valid UTF-8.
func appendValid(dst, text []byte) []byte {
	if utf8.Valid(text) {
		return append(dst, text...)
	}
	for len(text) > 0 {
		r, n := utf8.DecodeRune(text)
		dst = utf8.AppendRune(dst, r)
		text = text[n:]
	}
	return dst
}

// hex4 returns the number that four hexadecimal digits stand for, or -1.
func hex4(b []byte) rune {
	var r rune
	for _, c := range b {
		d := unhex(c)
		if d < 0 {
			return -1
		}
		r = r<<4 | rune(d)
	}
	return r
}

// unhex returns the value of a hexadecimal digit, or -1.
func unhex(c byte) int {
	switch {
	case '0' <= c && c <= '9':
		return int(c - '0')
	case 'a' <= c && c <= 'f':
		return int(c-'a') + 10
	case 'A' <= c && c <= 'F':
		return int(c-'A') + 10
	}
	return -1
}
