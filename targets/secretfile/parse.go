package secretfile

import (
	"bytes"
	"fmt"
	"strings"
)

// parse reads lines NAME=value as dotenv files have them. A line may begin with
// "export", empty lines and those that begin with # are skipped. A value is
//
//   - bare: up to the end of the line or to a # after a space, without the spaces
//     around it,
//   - in single quotes: as it is, over several lines too,
//   - in double quotes: the same, but for \n, \r, \t, \", \\ and \$.
//
// Nothing is replaced in a value: a $ is a $. A name that comes twice is an error.
// An error names the line and never a value.
func parse(text []byte) (map[string]string, error) {
	text = bytes.TrimPrefix(text, []byte("\xef\xbb\xbf"))
	if bytes.IndexByte(text, 0) >= 0 {
		return nil, errNotText
	}
	r := &reader{rest: strings.ReplaceAll(string(text), "\r\n", "\n"), line: 1}
	values, lines := map[string]string{}, map[string]int{}
	for r.rest != "" {
		at := r.line
		name, value, err := r.entry()
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", at, err)
		}
		if name == "" {
			continue
		}
		if before, twice := lines[name]; twice {
			return nil, fmt.Errorf("line %d: %s is set on line %d already: remove one of them", at, name, before)
		}
		values[name], lines[name] = value, at
	}
	return values, nil
}

type reader struct {
	rest string
	line int
}

// entry reads one entry with its line break. The name is "" for a line that holds none.
func (r *reader) entry() (name, value string, err error) {
	line, _, _ := strings.Cut(r.rest, "\n")
	trimmed := strings.TrimLeft(line, " \t")
	if strings.TrimSpace(trimmed) == "" || trimmed[0] == '#' {
		r.skip(len(line))
		r.lineBreak()
		return "", "", nil
	}
	before, _, found := strings.Cut(trimmed, "=")
	name = strings.TrimRight(before, " \t")
	if after, ok := strings.CutPrefix(name, "export"); ok && strings.TrimLeft(after, " \t") != after {
		name = strings.TrimLeft(after, " \t")
	}
	// The text of such a line may be the rest of a value, so it is not shown.
	switch {
	case !found:
		return "", "", fmt.Errorf("no \"=\": write NAME=value, and put a value of several lines into quotes")
	case !isName(name):
		return "", "", fmt.Errorf("what stands before \"=\" is no name of a variable: letters, digits and _, the first no digit; put a value of several lines into quotes")
	}
	r.skip(len(line) - len(trimmed) + len(before) + 1)
	r.skip(len(r.rest) - len(strings.TrimLeft(r.rest, " \t")))
	if r.rest != "" && (r.rest[0] == '\'' || r.rest[0] == '"') {
		value, err = r.quoted(r.rest[0])
	} else {
		value = r.bare()
	}
	if err != nil {
		return "", "", fmt.Errorf("%s: %w", name, err)
	}
	return name, value, nil
}

// bare reads a value without quotes to the end of its line.
func (r *reader) bare() string {
	line, _, _ := strings.Cut(r.rest, "\n")
	r.skip(len(line))
	r.lineBreak()
	for i := range len(line) {
		if line[i] == '#' && (i == 0 || line[i-1] == ' ' || line[i-1] == '\t') {
			line = line[:i]
			break
		}
	}
	return strings.Trim(line, " \t\r")
}

// quoted reads a value in quotes and the rest of its last line.
func (r *reader) quoted(quote byte) (string, error) {
	var b strings.Builder
	for i := 1; i < len(r.rest); i++ {
		c := r.rest[i]
		switch {
		case c == quote:
			r.skip(i + 1)
			return b.String(), r.end()
		case c == '\\' && quote == '"' && i+1 < len(r.rest):
			i++
			b.WriteString(unescape(r.rest[i]))
		default:
			b.WriteByte(c)
		}
	}
	return "", fmt.Errorf("the quote %c is not closed", quote)
}

func unescape(c byte) string {
	switch c {
	case 'n':
		return "\n"
	case 'r':
		return "\r"
	case 't':
		return "\t"
	case '"', '\\', '$':
		return string(c)
	}
	return `\` + string([]byte{c})
}

// end reads what may follow a quoted value: spaces and a comment.
func (r *reader) end() error {
	line, _, _ := strings.Cut(r.rest, "\n")
	if after := strings.TrimSpace(line); after != "" && after[0] != '#' {
		return fmt.Errorf("something follows the closing quote: quote the whole value")
	}
	r.skip(len(line))
	r.lineBreak()
	return nil
}

// lineBreak reads the line break that comes next, unless the text is over.
func (r *reader) lineBreak() {
	if r.rest != "" {
		r.skip(1)
	}
}

// skip goes on by n bytes.
func (r *reader) skip(n int) {
	r.line += strings.Count(r.rest[:n], "\n")
	r.rest = r.rest[n:]
}

func isName(s string) bool {
	for i := range len(s) {
		c := s[i]
		letter := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '_'
		if !letter && (i == 0 || c < '0' || c > '9') {
			return false
		}
	}
	return s != ""
}
