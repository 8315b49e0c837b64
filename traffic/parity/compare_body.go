package parity

import (
	"bytes"
	"compress/gzip"
	"compress/zlib"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"unicode/utf8"
)

// compareBodies compares the bytes first. Only if they differ, it looks for the
// most telling way to say so: by path if both are JSON, by line if both are
// text, by offset otherwise.
func compareBodies(r *Request, ignore Ignore, a, b *answer) []Difference {
	if bytes.Equal(a.body, b.body) {
		return nil
	}
	x, y := a.body, b.body
	if encoding := contentEncoding(a.header); encoding != "" && encoding == contentEncoding(b.header) {
		dx, okX := decode(encoding, x)
		dy, okY := decode(encoding, y)
		if okX && okY {
			x, y = dx, dy
			if bytes.Equal(x, y) {
				return []Difference{bodyDifference("the content is equal, the compressed bytes are not", size(a.body), size(b.body))}
			}
		}
	}
	if va, ok := parseJSON(a.header.Get("Content-Type"), x); ok {
		if vb, ok := parseJSON(b.header.Get("Content-Type"), y); ok {
			return compareJSON(ignore, &va, &vb)
		}
	}
	if isText(x) && isText(y) {
		return compareText(r, ignore, x, y)
	}
	return []Difference{compareBinary(x, y)}
}

func bodyDifference(detail, a, b string) Difference {
	return Difference{In: Place{kind: inBody}, A: a, B: b, Detail: detail}
}

func size(body []byte) string {
	if len(body) == 1 {
		return "1 byte"
	}
	return fmt.Sprintf("%d bytes", len(body))
}

func contentEncoding(h http.Header) string {
	return strings.ToLower(strings.TrimSpace(h.Get("Content-Encoding")))
}

// decode undoes a content encoding, so that a difference can be named.
func decode(encoding string, body []byte) ([]byte, bool) {
	var plain io.Reader
	var err error
	switch encoding {
	case "gzip", "x-gzip":
		plain, err = gzip.NewReader(bytes.NewReader(body))
	case "deflate":
		plain, err = zlib.NewReader(bytes.NewReader(body))
	default:
		return nil, false
	}
	if err != nil {
		return nil, false
	}
	content, err := io.ReadAll(io.LimitReader(plain, MaxBody+1))
	return content, err == nil && len(content) <= MaxBody
}

func compareJSON(ignore Ignore, a, b *jsonValue) []Difference {
	d := jsonDiff{ignore: ignore.JSON}
	d.compare(JSONPath{}, a, b)
	switch {
	case len(d.found) > 0:
		if d.more > 0 {
			d.found = append(d.found, bodyDifference(fmt.Sprintf("%d more values of the JSON differ", d.more), "", ""))
		}
		return d.found
	case d.reordered:
		return []Difference{bodyDifference("the JSON is equal, its keys come in another order", a.show(), b.show())}
	case d.ignored:
		// What was left out of the comparison is why the bytes differ.
		return nil
	}
	return []Difference{bodyDifference("the JSON is equal, its white space or escapes are not", a.show(), b.show())}
}

// compareText reports the lines that the file expects to differ each by its
// prefix, and of all others the first that differs.
func compareText(r *Request, ignore Ignore, a, b []byte) []Difference {
	x, y := textLines(a), textLines(b)
	x, y = withoutPrefixes(x, ignore.Lines), withoutPrefixes(y, ignore.Lines)
	var found []Difference
	for _, e := range r.Expected {
		for _, p := range e.In {
			if p.kind != inLine {
				continue
			}
			inA, inB := onlyPrefix(x, p.name), onlyPrefix(y, p.name)
			if inA != inB {
				found = append(found, Difference{In: p, A: inA, B: inB})
			}
			x, y = withoutPrefixes(x, []string{p.name}), withoutPrefixes(y, []string{p.name})
		}
	}
	for i := range max(len(x), len(y)) {
		la, lb := lineAt(x, i), lineAt(y, i)
		if la.text == lb.text {
			continue
		}
		detail := fmt.Sprintf("from line %d on", max(la.number, lb.number))
		if len(x) != len(y) {
			detail += fmt.Sprintf("; %d and %d lines", len(x), len(y))
		}
		return append(found, bodyDifference(detail, la.show(), lb.show()))
	}
	return found
}

// textLine is a line with its line break and its number in the body.
type textLine struct {
	number int
	text   string
}

func (l textLine) show() string {
	if l.text == "" {
		return missing
	}
	return shorten(strconv.Quote(l.text), maxShown)
}

func textLines(body []byte) []textLine {
	var lines []textLine
	for n, text := range strings.SplitAfter(string(body), "\n") {
		if text != "" {
			lines = append(lines, textLine{n + 1, text})
		}
	}
	return lines
}

// lineAt returns the line, or one without a text behind the last.
func lineAt(lines []textLine, i int) textLine {
	if i < len(lines) {
		return lines[i]
	}
	return textLine{}
}

func hasPrefix(text string, prefixes []string) bool {
	for _, p := range prefixes {
		if strings.HasPrefix(text, p) {
			return true
		}
	}
	return false
}

func withoutPrefixes(lines []textLine, prefixes []string) []textLine {
	if len(prefixes) == 0 {
		return lines
	}
	var kept []textLine
	for _, l := range lines {
		if !hasPrefix(l.text, prefixes) {
			kept = append(kept, l)
		}
	}
	return kept
}

func onlyPrefix(lines []textLine, prefix string) string {
	var texts []string
	for _, l := range lines {
		if strings.HasPrefix(l.text, prefix) {
			texts = append(texts, l.text)
		}
	}
	return showLines(texts)
}

func compareBinary(a, b []byte) Difference {
	at := 0
	for at < len(a) && at < len(b) && a[at] == b[at] {
		at++
	}
	detail := fmt.Sprintf("from byte %d on; %s and %s", at, size(a), size(b))
	return bodyDifference(detail, hexAt(a, at), hexAt(b, at))
}

func hexAt(body []byte, at int) string {
	if at >= len(body) {
		return missing
	}
	end := min(at+16, len(body))
	more := ""
	if end < len(body) {
		more = " …"
	}
	return fmt.Sprintf("% x%s", body[at:end], more)
}

// isText reports whether a person can read the body.
func isText(body []byte) bool {
	if !utf8.Valid(body) {
		return false
	}
	for _, c := range body {
		if c < 0x20 && c != '\n' && c != '\r' && c != '\t' && c != '\f' && c != 0x1b {
			return false
		}
	}
	return true
}
