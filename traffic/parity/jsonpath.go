package parity

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// JSONPath names a value in a JSON body: keys separated by dots, an element of a
// list as [0], and [*] for any element or key. A key with other signs is quoted
// as in ["a.b"]. Examples: headers.X-Request-Id, items[*].id, [0].name.
//
// A body of several JSON values, such as a stream of lines, is read as a list.
type JSONPath struct{ steps []jsonStep }

// jsonStep is a key, an index, or any of both.
type jsonStep struct {
	key   string
	index int // -1 for a key
	any   bool
}

// ParseJSONPath reads a path. The empty string is the whole value.
func ParseJSONPath(s string) (JSONPath, error) {
	if !utf8.ValidString(s) {
		return JSONPath{}, fmt.Errorf("JSON path %q is not UTF-8", s)
	}
	var p JSONPath
	rest := s
	for first := true; rest != ""; first = false {
		if rest[0] == '[' {
			step, after, err := parseBracket(rest)
			if err != nil {
				return JSONPath{}, fmt.Errorf("JSON path %q: %w", s, err)
			}
			p.steps, rest = append(p.steps, step), after
			continue
		}
		if !first {
			if rest[0] != '.' {
				return JSONPath{}, fmt.Errorf("JSON path %q: a dot is missing before %q", s, rest)
			}
			rest = rest[1:]
		}
		end := strings.IndexAny(rest, ".[")
		if end < 0 {
			end = len(rest)
		}
		if end == 0 {
			return JSONPath{}, fmt.Errorf("JSON path %q: a key is empty: quote it as [\"\"]", s)
		}
		p.steps = append(p.steps, jsonStep{key: rest[:end], index: -1, any: rest[:end] == "*"})
		rest = rest[end:]
	}
	return p, nil
}

func parseBracket(s string) (step jsonStep, rest string, err error) {
	if strings.HasPrefix(s, `["`) {
		var key string
		dec := json.NewDecoder(strings.NewReader(s[1:]))
		if err := dec.Decode(&key); err != nil {
			return step, "", fmt.Errorf("%q is no quoted key", s)
		}
		rest, ok := strings.CutPrefix(s[1+dec.InputOffset():], "]")
		if !ok {
			return step, "", fmt.Errorf("a ] is missing after the key %q", key)
		}
		return jsonStep{key: key, index: -1}, rest, nil
	}
	inner, rest, ok := strings.Cut(s[1:], "]")
	if !ok {
		return step, "", fmt.Errorf("a ] is missing after %q", s)
	}
	if inner == "*" {
		return jsonStep{index: -1, any: true}, rest, nil
	}
	index, err := strconv.Atoi(inner)
	if err != nil || index < 0 {
		return step, "", fmt.Errorf("[%s] is no index: write a number, * or a quoted key", inner)
	}
	return jsonStep{index: index}, rest, nil
}

// String returns the form that ParseJSONPath reads.
func (p JSONPath) String() string {
	var b strings.Builder
	for _, s := range p.steps {
		switch {
		case s.any:
			b.WriteString("[*]")
		case s.index >= 0:
			fmt.Fprintf(&b, "[%d]", s.index)
		case s.key == "" || s.key == "*" || strings.ContainsAny(s.key, ".[]\"\\\n\r\t "):
			quoted, _ := json.Marshal(s.key)
			fmt.Fprintf(&b, "[%s]", quoted)
		default:
			if b.Len() > 0 {
				b.WriteByte('.')
			}
			b.WriteString(s.key)
		}
	}
	return b.String()
}

// MarshalText makes a path its text form in JSON.
func (p JSONPath) MarshalText() ([]byte, error) { return []byte(p.String()), nil }

// UnmarshalText reads the text form.
func (p *JSONPath) UnmarshalText(text []byte) (err error) {
	*p, err = ParseJSONPath(string(text))
	return err
}

func (p JSONPath) child(s jsonStep) JSONPath {
	return JSONPath{append(p.steps[:len(p.steps):len(p.steps)], s)}
}

// covers reports whether q is p or lies within it.
func (p JSONPath) covers(q JSONPath) bool {
	if len(p.steps) > len(q.steps) {
		return false
	}
	for i, s := range p.steps {
		if !s.any && s != q.steps[i] {
			return false
		}
	}
	return true
}

func anyPathCovers(patterns []JSONPath, p JSONPath) bool {
	for _, pattern := range patterns {
		if pattern.covers(p) {
			return true
		}
	}
	return false
}
