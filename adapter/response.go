package main

import (
	"bytes"
	"errors"
)

// Limits of what the adapter reads from an app.
const (
	// maxHead is how long the fields of an answer may be in all, and the trailers.
	maxHead = 256 << 10
	// maxFields is how many fields an answer may have.
	maxFields = 1024
	// maxChunkLine is how long the line before a chunk may be.
	maxChunkLine = 4 << 10
)

var errTooLarge = errors.New("the body is too large")

// field is one field of an answer, as places in the buffer that holds it.
type field struct {
	name, nameEnd, value, valueEnd int
	kind                           fieldKind
	// joined is set once the field has been written to an answer.
	joined bool
}

// response reads one HTTP/1 answer out of a buffer that grows at its end. The
// buffer belongs to the connection; response holds places in it.
type response struct {
	// headOnly says before reading that the answer has no body whatever its fields
	// say: it answers a HEAD.
	headOnly bool
	// limit is how many bytes of body are read at most, or 0 for any number.
	limit int
	// stream says that the body is taken away piece by piece while it comes.
	stream bool

	status int
	fields []field
	// start and end enclose the body's bytes, decoded.
	start, end int

	state   responseState
	pos     int // what stands before is consumed
	scan    int // no line end that matters stands before
	length  int // of the body, when sized
	missing int // of the present chunk
	minor   int // HTTP/1.minor
	reuse   bool
	trailer int // bytes of trailers so far
}

type responseState uint8

const (
	inHead responseState = iota
	inSized
	inChunkLine
	inChunk
	afterChunk
	inTrailers
	untilClose
	complete
)

// reset makes r ready for the answer to the next request.
func (r *response) reset(headOnly bool, limit int) {
	*r = response{headOnly: headOnly, limit: limit, fields: r.fields[:0]}
}

// body returns the body's bytes, which share the buffer's memory.
func (r *response) body(b []byte) []byte { return b[r.start:r.end] }

// want returns how many bytes the buffer should have room for, as far as is known.
func (r *response) want() int {
	if r.state == inSized && !r.stream {
		return r.start + r.length
	}
	return 0
}

// advance consumes what the buffer b holds, and reports whether the answer is
// whole. It is called again with the same bytes and more behind them. It moves
// the data of chunks together within b.
func (r *response) advance(b []byte) (done bool, err error) {
	for {
		more := false
		switch r.state {
		case inHead:
			more, err = r.head(b)
		case inSized:
			r.end = min(len(b), r.start+r.length)
			if more = r.end == r.start+r.length; more {
				r.pos, r.state = r.end, complete
			}
		case inChunkLine:
			more, err = r.chunkLine(b)
		case inChunk:
			more = r.chunk(b)
		case afterChunk:
			more, err = r.chunkEnd(b)
		case inTrailers:
			more, err = r.trailers(b)
		case untilClose:
			r.end, r.pos = len(b), len(b)
		case complete:
			if r.pos < len(b) {
				r.reuse = false // bytes that nobody asked for
			}
			return true, nil
		}
		if err == nil && r.limit > 0 && r.end-r.start > r.limit {
			err = errTooLarge
		}
		if err != nil || !more {
			return false, err
		}
	}
}

// begun reports whether the head has been read.
func (r *response) begun() bool { return r.state != inHead }

// drop takes away what has been read of the body, and moves what follows to the
// buffer's beginning. The fields' places are void then. It returns b's new length.
func (r *response) drop(b []byte) int {
	n := copy(b, b[max(r.pos, r.end):])
	if r.state == inSized {
		r.length -= r.end - r.start
	}
	r.start, r.end, r.pos, r.scan = 0, 0, 0, 0
	return n
}

// closed is called when the other side has closed the connection. It returns an
// error if the answer is not whole.
func (r *response) closed() error {
	switch r.state {
	case complete:
		return nil
	case untilClose:
		r.state, r.reuse = complete, false
		return nil
	case inHead:
		return errors.New("it closed the connection in the middle of the answer's header")
	}
	return errors.New("it closed the connection in the middle of the answer's body")
}

// compact moves what follows the decoded body of a chunked answer up to it, so
// that the buffer holds little but the body. It returns b's new length.
func (r *response) compact(b []byte) int {
	if r.state < inChunkLine || r.state > inTrailers || r.pos == r.end {
		return len(b)
	}
	if rest := len(b) - r.pos; rest > 64 && r.pos-r.end < 32<<10 {
		return len(b)
	}
	n := copy(b[r.end:], b[r.pos:])
	r.scan = r.end
	r.pos = r.end
	return r.end + n
}

// head reads the status line and the fields, once they are whole.
func (r *response) head(b []byte) (more bool, err error) {
	end := r.headEnd(b)
	if end < 0 {
		if len(b)-r.pos > maxHead {
			return false, errors.New("the answer's header is longer than 256 KB")
		}
		return false, nil
	}
	line, rest := r.line(b, r.pos)
	if err := r.statusLine(b[r.pos:line]); err != nil {
		return false, err
	}
	r.fields = r.fields[:0]
	if err := r.readFields(b, rest, end); err != nil {
		return false, err
	}
	r.pos, r.scan = end, end
	if r.status >= 100 && r.status < 200 {
		if r.status == 101 {
			return false, errors.New("it answered 101, but the request asked for no other protocol")
		}
		return true, nil // informational: the answer follows
	}
	r.start, r.end = end, end
	return true, r.framing(b)
}

// headEnd returns the place behind the empty line that ends the head, or -1.
func (r *response) headEnd(b []byte) int {
	r.scan = max(r.scan, r.pos)
	for {
		i := bytes.IndexByte(b[r.scan:], '\n')
		if i < 0 {
			r.scan = len(b)
			return -1
		}
		next := r.scan + i + 1
		switch {
		case next < len(b) && b[next] == '\n':
			return next + 1
		case next+1 < len(b) && b[next] == '\r' && b[next+1] == '\n':
			return next + 2
		case next >= len(b) || next+1 >= len(b) && b[next] == '\r':
			r.scan = next - 1 // look at this line end again
			return -1
		}
		r.scan = next
	}
}

// line returns the end of the line that begins at i, without its line break, and
// where the next one begins. The line must be whole.
func (r *response) line(b []byte, i int) (end, next int) {
	end = i + bytes.IndexByte(b[i:], '\n')
	next = end + 1
	if end > i && b[end-1] == '\r' {
		end--
	}
	return end, next
}

func (r *response) statusLine(line []byte) error {
	// HTTP/1.x SP three digits [SP reason]
	ok := len(line) >= 12 && string(line[:7]) == "HTTP/1." &&
		(line[7] == '0' || line[7] == '1') && line[8] == ' ' &&
		(len(line) == 12 || line[12] == ' ')
	if ok {
		r.minor, r.status = int(line[7]-'0'), 0
		for _, c := range line[9:12] {
			ok = ok && '0' <= c && c <= '9'
			r.status = r.status*10 + int(c-'0')
		}
	}
	if !ok || r.status < 100 {
		return errors.New("it does not speak HTTP/1: the answer begins with " + quoteStart(line))
	}
	return nil
}

func (r *response) readFields(b []byte, i, end int) error {
	for {
		lineEnd, next := r.line(b, i)
		if lineEnd == i && next == end {
			return nil
		}
		line := b[i:lineEnd]
		if c := line[0]; c == ' ' || c == '\t' {
			if err := r.fold(b, i, lineEnd); err != nil {
				return err
			}
			i = next
			continue
		}
		if len(r.fields) == maxFields {
			return errors.New("the answer has more than 1024 header fields")
		}
		colon := bytes.IndexByte(line, ':')
		if colon < 0 || !isToken(line[:colon]) {
			return errors.New("the answer has a malformed header field: " + quoteStart(line))
		}
		f := field{name: i, nameEnd: i + colon, value: i + colon + 1, valueEnd: lineEnd}
		f.kind = kindOf(line[:colon])
		f.trim(b)
		r.fields = append(r.fields, f)
		i = next
	}
}

// fold joins a line that begins with a space to the field before it
// (RFC 9112, 5.2), by blanking the line break between them.
func (r *response) fold(b []byte, i, lineEnd int) error {
	if len(r.fields) == 0 {
		return errors.New("the answer's header begins with a space")
	}
	f := &r.fields[len(r.fields)-1]
	for j := f.valueEnd; j < i; j++ {
		b[j] = ' '
	}
	f.valueEnd = lineEnd
	f.trim(b)
	return nil
}

func (f *field) trim(b []byte) {
	for f.value < f.valueEnd && (b[f.value] == ' ' || b[f.value] == '\t') {
		f.value++
	}
	for f.valueEnd > f.value && (b[f.valueEnd-1] == ' ' || b[f.valueEnd-1] == '\t') {
		f.valueEnd--
	}
}

// framing finds out how the body ends (RFC 9112, 6.3), and whether the
// connection can be used again.
func (r *response) framing(b []byte) error {
	length, chunked, faulty := -1, false, false
	r.reuse = r.minor == 1
	for _, f := range r.fields {
		value := b[f.value:f.valueEnd]
		switch f.kind {
		case connectionField:
			if listHas(value, "close") {
				r.reuse = false
			} else if r.minor == 0 && listHas(value, "keep-alive") {
				r.reuse = true
			}
		case contentLength:
			n, err := parseLength(value)
			if err != nil || length >= 0 && n != length {
				return errors.New("the answer's Content-Length is " + quoteStart(value))
			}
			length = n
		case transferEncoding:
			if r.minor == 0 {
				faulty = true // HTTP/1.0 has no such field (RFC 9112, 6.1)
				continue
			}
			if chunked || !nameEqual(value, "chunked") {
				return errors.New("the answer's Transfer-Encoding is " + quoteStart(value) + ", which is not supported")
			}
			chunked = true
		}
	}
	r.reuse = r.reuse && !faulty
	switch {
	case r.headOnly || r.status == 204 || r.status == 304:
		r.state = complete
	case chunked:
		r.reuse = r.reuse && length < 0
		r.state = inChunkLine
	case length >= 0:
		r.length, r.state = length, inSized
		if r.limit > 0 && length > r.limit {
			return errTooLarge
		}
	default:
		r.reuse, r.state = false, untilClose
	}
	return nil
}

// parseLength reads a Content-Length, which may be a list of the same number.
func parseLength(value []byte) (int, error) {
	length, bad := -1, false
	elements(value, func(e []byte) bool {
		n := 0
		for _, c := range e {
			if c < '0' || c > '9' || n > 1<<40 {
				bad = true
				return false
			}
			n = n*10 + int(c-'0')
		}
		bad = bad || length >= 0 && n != length
		length = n
		return !bad
	})
	if bad || length < 0 {
		return 0, errors.New("not a length")
	}
	return length, nil
}

func (r *response) chunkLine(b []byte) (more bool, err error) {
	i := bytes.IndexByte(b[r.pos:], '\n')
	if i < 0 {
		if len(b)-r.pos > maxChunkLine {
			return false, errors.New("the answer has a malformed chunk")
		}
		return false, nil
	}
	size, ok := chunkSize(b[r.pos : r.pos+i])
	if !ok {
		return false, errors.New("the answer has a malformed chunk")
	}
	r.pos += i + 1
	if size == 0 {
		r.state = inTrailers
		return true, nil
	}
	if r.limit > 0 && r.end-r.start+size > r.limit {
		return false, errTooLarge
	}
	r.missing, r.state = size, inChunk
	return true, nil
}

// chunkSize reads the line before a chunk: a hexadecimal number, and perhaps
// extensions behind a semicolon, which mean nothing here.
func chunkSize(line []byte) (size int, ok bool) {
	if i := bytes.IndexByte(line, ';'); i >= 0 {
		line = line[:i]
	}
	line = trimSpace(bytes.TrimSuffix(line, []byte{'\r'}))
	if len(line) == 0 || len(line) > 12 {
		return 0, false
	}
	for _, c := range line {
		d := unhex(c)
		if d < 0 {
			return 0, false
		}
		size = size<<4 | d
	}
	return size, true
}

func (r *response) chunk(b []byte) (more bool) {
	n := min(r.missing, len(b)-r.pos)
	copy(b[r.end:], b[r.pos:r.pos+n])
	r.end += n
	r.pos += n
	r.missing -= n
	if r.missing == 0 {
		r.state = afterChunk
	}
	return r.missing == 0
}

func (r *response) chunkEnd(b []byte) (more bool, err error) {
	rest := b[r.pos:]
	switch {
	case len(rest) >= 1 && rest[0] == '\n':
		r.pos++
	case len(rest) >= 2 && rest[0] == '\r' && rest[1] == '\n':
		r.pos += 2
	case len(rest) == 0 || len(rest) == 1 && rest[0] == '\r':
		return false, nil
	default:
		return false, errors.New("the answer has a malformed chunk")
	}
	r.state = inChunkLine
	return true, nil
}

// trailers skips the lines up to the empty one. Neither HTTP APIs nor function
// URLs can carry trailers.
func (r *response) trailers(b []byte) (more bool, err error) {
	i := bytes.IndexByte(b[r.pos:], '\n')
	if i < 0 {
		i = len(b) - r.pos
		if r.trailer+i > maxHead {
			return false, errors.New("the answer's trailers are longer than 256 KB")
		}
		return false, nil
	}
	empty := i == 0 || i == 1 && b[r.pos] == '\r'
	r.pos += i + 1
	r.trailer += i + 1
	if r.trailer > maxHead {
		return false, errors.New("the answer's trailers are longer than 256 KB")
	}
	if empty {
		r.state = complete
	}
	return true, nil
}

// quoteStart returns the beginning of foreign bytes for an error message.
func quoteStart(b []byte) string {
	const most = 60
	suffix := ""
	if len(b) > most {
		b, suffix = b[:most], "..."
	}
	return string(appendQuoted(nil, appendValid(nil, b))) + suffix
}
