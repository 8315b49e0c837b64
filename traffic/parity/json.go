package parity

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"strings"
)

// maxJSONDepth bounds the recursion on a body that nests without end. A deeper
// body is compared as text.
const maxJSONDepth = 1000

// jsonValue is a JSON value as it was written: numbers keep their digits,
// objects the order of their keys and keys that occur twice.
type jsonValue struct {
	kind    byte // '{', '[', 's' a string, 'n' a number, 'w' true, false or null
	text    string
	members []jsonMember
}

type jsonMember struct {
	key   string
	value jsonValue
}

// parseJSON reads a body that is one JSON value, or several as one list.
func parseJSON(contentType string, body []byte) (jsonValue, bool) {
	start := bytes.TrimLeft(body, " \t\r\n")
	if len(start) == 0 {
		return jsonValue{}, false
	}
	if !strings.Contains(strings.ToLower(contentType), "json") && start[0] != '{' && start[0] != '[' {
		return jsonValue{}, false
	}
	dec := json.NewDecoder(bytes.NewReader(body))
	dec.UseNumber()
	var values []jsonMember
	for {
		token, err := dec.Token()
		if err == io.EOF {
			break
		}
		if err != nil {
			return jsonValue{}, false
		}
		value, err := readJSON(dec, token, 0)
		if err != nil {
			return jsonValue{}, false
		}
		values = append(values, jsonMember{value: value})
	}
	if len(values) == 1 {
		return values[0].value, true
	}
	return jsonValue{kind: '[', members: values}, true
}

func readJSON(dec *json.Decoder, token json.Token, depth int) (jsonValue, error) {
	if depth > maxJSONDepth {
		return jsonValue{}, errors.New("the JSON nests too deep")
	}
	switch t := token.(type) {
	case json.Delim:
		v := jsonValue{kind: byte(t)}
		for dec.More() {
			var m jsonMember
			next, err := dec.Token()
			if err != nil {
				return v, err
			}
			if t == '{' {
				m.key, _ = next.(string)
				if next, err = dec.Token(); err != nil {
					return v, err
				}
			}
			if m.value, err = readJSON(dec, next, depth+1); err != nil {
				return v, err
			}
			v.members = append(v.members, m)
		}
		_, err := dec.Token()
		return v, err
	case json.Number:
		return jsonValue{kind: 'n', text: t.String()}, nil
	case string:
		return jsonValue{kind: 's', text: t}, nil
	case bool:
		if t {
			return jsonValue{kind: 'w', text: "true"}, nil
		}
		return jsonValue{kind: 'w', text: "false"}, nil
	}
	return jsonValue{kind: 'w', text: "null"}, nil
}

// show writes a value for a person, shortened, as JSON as long as it is whole.
func (v jsonValue) show() string {
	var b strings.Builder
	v.write(&b, 4*maxShown)
	return shorten(b.String(), maxShown)
}

func (v jsonValue) write(b *strings.Builder, limit int) {
	if b.Len() > limit {
		return
	}
	switch v.kind {
	case '{', '[':
		b.WriteByte(v.kind)
		for i, m := range v.members {
			if b.Len() > limit {
				break
			}
			if i > 0 {
				b.WriteByte(',')
			}
			if v.kind == '{' {
				b.Write(quoteJSON(m.key))
				b.WriteByte(':')
			}
			m.value.write(b, limit)
		}
		b.WriteByte(v.kind + 2) // "}" and "]" stand two places after "{" and "["
	case 's':
		b.Write(quoteJSON(v.text))
	default:
		b.WriteString(v.text)
	}
}

func quoteJSON(s string) []byte {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(s); err != nil {
		return nil
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n"))
}

// jsonDiff collects the differences of two values.
type jsonDiff struct {
	ignore []JSONPath
	found  []Difference
	// more counts differences beyond those in found.
	more int
	// ignored says that a value was left out, so that the bytes prove nothing.
	ignored bool
	// reordered says that an object has the same keys in another order.
	reordered bool
}

// maxJSONDifferences bounds the list for one body. It is far above what is
// shown, because differences that are expected are counted here as well.
const maxJSONDifferences = 10_000

func (d *jsonDiff) compare(at JSONPath, a, b *jsonValue) {
	if anyPathCovers(d.ignore, at) {
		d.ignored = true
		return
	}
	switch {
	case a == nil || b == nil || a.kind != b.kind:
		d.report(at, a, b)
	case a.kind == '[':
		for i := range max(len(a.members), len(b.members)) {
			d.compare(at.child(jsonStep{index: i}), a.member(i), b.member(i))
		}
	case a.kind == '{':
		d.compareObjects(at, a, b)
	case a.text != b.text:
		d.report(at, a, b)
	}
}

func (v *jsonValue) member(i int) *jsonValue {
	if i < len(v.members) {
		return &v.members[i].value
	}
	return nil
}

func (d *jsonDiff) compareObjects(at JSONPath, a, b *jsonValue) {
	keys, inA, inB := a.keys(), a.byKey(), b.byKey()
	for _, k := range b.keys() {
		if _, ok := inA[k]; !ok {
			keys = append(keys, k)
		}
	}
	for _, k := range keys {
		path := at.child(jsonStep{key: k, index: -1})
		for i := range max(len(inA[k]), len(inB[k])) {
			d.compare(path, nth(inA[k], i), nth(inB[k], i))
		}
	}
	if !sameOrder(a.keys(), inB, b.keys(), inA) {
		d.reordered = true
	}
}

// keys lists the keys in their order, each once.
func (v *jsonValue) keys() []string {
	seen := make(map[string]bool, len(v.members))
	var keys []string
	for _, m := range v.members {
		if !seen[m.key] {
			seen[m.key] = true
			keys = append(keys, m.key)
		}
	}
	return keys
}

func (v *jsonValue) byKey() map[string][]*jsonValue {
	values := make(map[string][]*jsonValue, len(v.members))
	for i := range v.members {
		m := &v.members[i]
		values[m.key] = append(values[m.key], &m.value)
	}
	return values
}

func nth(values []*jsonValue, i int) *jsonValue {
	if i < len(values) {
		return values[i]
	}
	return nil
}

// sameOrder compares the order of those keys that both objects have.
func sameOrder(a []string, inB map[string][]*jsonValue, b []string, inA map[string][]*jsonValue) bool {
	i := 0
	for _, k := range a {
		if _, ok := inB[k]; !ok {
			continue
		}
		for i < len(b) && inA[b[i]] == nil {
			i++
		}
		if i >= len(b) || b[i] != k {
			return false
		}
		i++
	}
	return true
}

func (d *jsonDiff) report(at JSONPath, a, b *jsonValue) {
	if len(d.found) == maxJSONDifferences {
		d.more++
		return
	}
	d.found = append(d.found, Difference{In: Place{kind: inJSON, path: at}, A: showJSON(a), B: showJSON(b)})
}

func showJSON(v *jsonValue) string {
	if v == nil {
		return missing
	}
	return v.show()
}
