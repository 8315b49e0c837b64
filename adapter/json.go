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
	if name, ok = c.name(); !ok {
		return nil, nil, false
	}
	value, ok = c.value()
	return name, value, ok
}

// name returns the raw name of the next member. One of value and text must follow.
func (c *cursor) name() (raw []byte, ok bool) {
	if c.state == atEnd || c.state == malformed {
		return nil, false
	}
	i := skipSpace(c.data, c.pos)
	if i < len(c.data) && c.data[i] == '}' {
		c.state, c.pos = atEnd, i+1
		return nil, false
	}
	if c.state == betweenMembers {
		if i >= len(c.data) || c.data[i] != ',' {
			return nil, c.fail()
		}
		i = skipSpace(c.data, i+1)
	}
	end, colon, ok := skipName(c.data, i)
	if !ok {
		return nil, c.fail()
	}
	c.state, c.pos = betweenMembers, skipSpace(c.data, colon+1)
	return c.data[i+1 : end-1], true
}

// value returns the raw text of the value that follows the name.
func (c *cursor) value() (raw []byte, ok bool) {
	start := c.pos
	end, ok := skipValue(c.data, start, 1)
	if !ok {
		return nil, c.fail()
	}
	c.pos = end
	return c.data[start:end], true
}

// atString reports whether the value that follows the name is a string.
func (c *cursor) atString() bool { return c.pos < len(c.data) && c.data[c.pos] == '"' }

// text returns what the string that follows the name stands for. It reads the
// string once, where value and unquoteInPlace read it three times, and overwrites
// it. If unchecked is true, the string had no escapes and nobody has looked for
// control bytes, which it must not hold, or for bytes that are not UTF-8.
func (c *cursor) text() (text []byte, unchecked, ok bool) {
	start := c.pos + 1
	quote := bytes.IndexByte(c.data[start:], '"')
	if quote < 0 {
		return nil, false, c.fail()
	}
	if bytes.IndexByte(c.data[start:start+quote], '\\') < 0 {
		c.pos = start + quote + 1
		return c.data[start : start+quote], true, true
	}
	text, end := unquoteText(c.data, start)
	if end < 0 {
		return nil, false, c.fail()
	}
	c.pos = end
	return text, false, true
}

func (c *cursor) fail() bool {
	c.state = malformed
	return false
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
	if simpleEscape[b[i]] != 0 {
		return i + 1
	}
	if b[i] != 'u' || i+5 > len(b) || hex4(b[i+1:i+5]) < 0 {
		return -1
	}
	return i + 5
}

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

const (
	everyByte = 0x0101010101010101
	highBits  = 0x8080808080808080
	lowBits   = 0x7f7f7f7f7f7f7f7f
)

// specials returns a word with the high bit set in the place of every byte of x
// that must be escaped in JSON, and no other bit. The first byte is the lowest.
func specials(x uint64) uint64 {
	quote := x ^ everyByte*'"'
	slash := x ^ everyByte*'\\'
	// A sum's high bit says that a byte's low seven bits are not 0, or at least 0x20.
	notQuote := (quote&lowBits + lowBits) | quote
	notSlash := (slash&lowBits + lowBits) | slash
	notControl := (x&lowBits + everyByte*(0x80-0x20)) | x
	return ^(notQuote & notSlash & notControl) & highBits
}

// isString reports whether a raw value is a string.
func isString(value []byte) bool { return len(value) >= 2 && value[0] == '"' }

// isObject reports whether a raw value is an object.
func isObject(value []byte) bool { return len(value) >= 2 && value[0] == '{' }

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

// unquoteText decodes, in place, the string whose first byte behind the quote is
// b[start], and returns its text and the place behind the closing quote, or -1 if
// the string is malformed.
func unquoteText(b []byte, start int) (text []byte, end int) {
	from, to := start, start
	var seen uint64
	for {
		for from+8 <= len(b) {
			x := binary.LittleEndian.Uint64(b[from:])
			m := specials(x)
			if m != 0 {
				// Only what stands before the special byte has been read.
				n := bits.TrailingZeros64(m) >> 3
				seen |= x & (1<<(8*n) - 1)
				for range n {
					b[to] = b[from]
					to, from = to+1, from+1
				}
				break
			}
			seen |= x
			binary.LittleEndian.PutUint64(b[to:], x) // to is never past from
			to, from = to+8, from+8
		}
		for from < len(b) && b[from] >= 0x20 && b[from] != '"' && b[from] != '\\' {
			seen |= uint64(b[from])
			b[to] = b[from]
			to, from = to+1, from+1
		}
		if from == len(b) || b[from] < 0x20 {
			return nil, -1
		}
		if b[from] == '"' {
			return mended(b[start:to], seen&highBits == 0), from + 1
		}
		if from+1 < len(b) && simpleEscape[b[from+1]] != 0 {
			b[to] = simpleEscape[b[from+1]]
			to, from = to+1, from+2
			continue
		}
		next := skipEscape(b, from+1)
		if next < 0 {
			return nil, -1
		}
		if r := hex4(b[from+2 : from+6]); r < utf8.RuneSelf {
			b[to] = byte(r)
			to, from = to+1, next
			continue
		}
		// A second half of a pair belongs to it.
		if next+6 <= len(b) && b[next] == '\\' && b[next+1] == 'u' && hex4(b[next+2:next+6]) >= 0 {
			if r := hex4(b[from+2 : from+6]); 0xd800 <= r && r < 0xdc00 {
				if r2 := hex4(b[next+2 : next+6]); 0xdc00 <= r2 && r2 < 0xe000 {
					next += 6
				}
			}
		}
		out := appendUnquoted(b[to:to], b[from:next])
		if len(out) > 0 && out[0] >= 0x80 {
			seen |= highBits
		}
		to, from = to+len(out), next
	}
}

// mended returns text with U+FFFD for every byte that is not valid UTF-8.
func mended(text []byte, ascii bool) []byte {
	if ascii || utf8.Valid(text) {
		return text
	}
	return appendValid(make([]byte, 0, len(text)+len(text)/2), text)
}

// simpleEscape holds what the letter of an escape of two bytes stands for.
var simpleEscape = [256]byte{'"': '"', '\\': '\\', '/': '/', 'b': '\b', 'f': '\f', 'n': '\n', 'r': '\r', 't': '\t'}

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
		if raw[0] != 'u' {
			dst = append(dst, simpleEscape[raw[0]])
		} else {
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
	_ = b[3]
	r := rune(unhex(b[0]))<<12 | rune(unhex(b[1]))<<8 | rune(unhex(b[2]))<<4 | rune(unhex(b[3]))
	return max(r, -1) // a -1 in any place makes it negative
}

// unhex returns the value of a hexadecimal digit, or -1.
func unhex(c byte) int { return int(hexValues[c]) - 1 }

// hexValues holds the value of each hexadecimal digit, plus 1.
var hexValues = func() (t [256]uint8) {
	for i := range 16 {
		t["0123456789abcdef"[i]] = uint8(i) + 1
		t["0123456789ABCDEF"[i]] = uint8(i) + 1
	}
	return t
}()
