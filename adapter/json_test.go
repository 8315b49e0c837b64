package main

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestStringsAreDecodedAsEncodingJSONDoes(t *testing.T) {
	for _, raw := range []string{
		`""`, `"plain"`, `"a\"b\\c\/d\b\f\n\r\te"`, `"\u00e9\u20AC"`, `"\ud83d\ude00"`, `"\ud83d"`, `"\ude00"`,
		`"\ud83dx"`, `"\ud83d\u0041"`, `"\ud83d\ud83d\ude00"`, `"\u0000"`, "\"\xff\"", "\"a\xe2\x82\"", "\"\xed\xa0\x80\"",
		"\"\x7f\"", "\"\xff\\n\xff\"", `"日本語"`, "\"\xf0\x9f\x98\x80\"", `"\uFFFD"`, `"\ufffe"`,
	} {
		checkString(t, []byte(raw))
	}
}

func checkString(t *testing.T, raw []byte) {
	t.Helper()
	var want string
	if err := json.Unmarshal(raw, &want); err != nil {
		t.Fatalf("%q: %v", raw, err)
	}
	trimmed := bytes.Trim(raw, " \t\r\n")
	inner := trimmed[1 : len(trimmed)-1]
	if got := appendUnquoted([]byte("x"), inner); string(got) != "x"+want {
		t.Errorf("%q: got %q, want %q", raw, got[1:], want)
	}
	if utf8.Valid(inner) && !nameIs(inner, want) {
		t.Errorf("%q is not the name %q", raw, want)
	}
	if got := unquoteInPlace(bytes.Clone(inner)); string(got) != want {
		t.Errorf("%q in place: got %q, want %q", raw, got, want)
	}
	if got, ok := memberText(append(append([]byte(`{"a" : `), raw...), '}')); !ok || string(got) != want {
		t.Errorf("%q in one go: got %q, %v, want %q", raw, got, ok, want)
	}
	if text := appendQuoted(nil, []byte(want)); utf8.ValidString(want) {
		var back string
		if err := json.Unmarshal(text, &back); err != nil || back != want {
			t.Errorf("%q is written as %q: %v", want, text, err)
		}
	}
}

// memberText returns the text of the object's first member, which is a string, as
// the body of an event is read.
func memberText(object []byte) (text []byte, ok bool) {
	c := openObject(object)
	if _, ok := c.name(); !ok || !c.atString() {
		return nil, false
	}
	text, unchecked, ok := c.text()
	if !ok || unchecked && nextSpecial(text, 0) < len(text) {
		return nil, false
	}
	if unchecked {
		text = mended(text, false)
	}
	return text, true
}

func TestMalformedJSONIsRefused(t *testing.T) {
	for _, s := range []string{
		``, ` `, `{`, `}`, `{"a"}`, `{"a":}`, `{"a":1,}`, `{,}`, `{"a":1 "b":2}`, `{a:1}`, `[1,]`, `[,1]`, `[1 2]`, `]`,
		`"a`, `"\x"`, `"\u12"`, `"\u12g4"`, "\"\n\"", "\"\x00\"", `01`, `-`, `1.`, `.5`, `1e`, `+1`, `tru`, `nul`, `True`, `1 2`, `{} {}`,
		strings.Repeat("[", maxDepth+1) + strings.Repeat("]", maxDepth+1),
	} {
		if validJSON([]byte(s)) {
			t.Errorf("%.40q is taken for JSON", s)
		}
		if json.Valid([]byte(s)) {
			t.Errorf("%.40q is JSON", s)
		}
	}
}

func TestDeepJSONIsTaken(t *testing.T) {
	if s := strings.Repeat("[", maxDepth) + strings.Repeat("]", maxDepth); !validJSON([]byte(s)) {
		t.Error("the depth that encoding/json takes is refused")
	}
}

// FuzzJSON holds the reader beside encoding/json: both take the same texts, and
// find the same members and strings in them.
func FuzzJSON(f *testing.F) {
	for _, s := range []string{
		`{"a":"b","c":[1,-2.5e+10,true,null],"d":{"e":"\ud83d\ude00"}}`, `"\ud83dx"`, `[]`, ` { } `, `1`, "\"\xff\"", `{"a":1,"a":2}`, `{"\u0061":"x"}`,
		`{"body":"` + strings.Repeat("x", 100) + `\\"}`,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		valid := json.Valid(data)
		if got := validJSON(data); got != valid {
			t.Fatalf("%q: valid is %v, want %v", data, got, valid)
		}
		first := bytes.TrimLeft(data, " \t\r\n")
		if len(first) == 0 {
			return
		}
		switch first[0] {
		case '{':
			checkObject(t, data, valid)
		case '[':
			checkList(t, data, valid)
		case '"':
			if valid {
				checkString(t, data)
			} else if text, ok := memberText(append([]byte(`{"a":`), data...)); ok && json.Valid(append(bytes.Clone(data), '}')) {
				t.Fatalf("%q is read as %q", data, text)
			}
		}
	})
}

func checkObject(t *testing.T, data []byte, valid bool) {
	got := map[string]json.RawMessage{}
	c := openObject(data)
	for {
		name, value, ok := c.next()
		if !ok {
			break
		}
		got[string(appendUnquoted(nil, name))] = value
	}
	if c.complete() != valid {
		t.Fatalf("%q: complete is %v, want %v", data, c.complete(), valid)
	}
	if !valid {
		return
	}
	var want map[string]json.RawMessage
	if err := json.Unmarshal(data, &want); err != nil {
		t.Fatal(err)
	}
	if len(got) != len(want) {
		t.Fatalf("%q: %d members, want %d", data, len(got), len(want))
	}
	for k, v := range want {
		if !bytes.Equal(got[k], v) {
			t.Fatalf("%q: member %q is %q, want %q", data, k, got[k], v)
		}
		if isString(v) {
			checkString(t, v)
		}
	}
}

func checkList(t *testing.T, data []byte, valid bool) {
	var got []json.RawMessage
	l := openList(data)
	for {
		value, ok := l.next()
		if !ok {
			break
		}
		got = append(got, value)
	}
	if l.complete() != valid {
		t.Fatalf("%q: complete is %v, want %v", data, l.complete(), valid)
	}
	var want []json.RawMessage
	if valid && (json.Unmarshal(data, &want) != nil || len(got) != len(want)) {
		t.Fatalf("%q: %d elements, want %d", data, len(got), len(want))
	}
	for i, v := range want {
		if !bytes.Equal(got[i], v) {
			t.Fatalf("%q: element %d is %q, want %q", data, i, got[i], v)
		}
	}
}

// FuzzFieldText checks that whatever bytes an app sends become valid JSON.
func FuzzFieldText(f *testing.F) {
	f.Add([]byte("text/html; charset=utf-8"))
	f.Add([]byte("caf\xe9 \"quoted\" \x01"))
	f.Fuzz(func(t *testing.T, text []byte) {
		out := append(appendFieldText([]byte{'"'}, text), '"')
		var back string
		if err := json.Unmarshal(out, &back); err != nil {
			t.Fatalf("%q becomes %q: %v", text, out, err)
		}
		if utf8.Valid(text) {
			if back != string(text) {
				t.Fatalf("%q becomes %q", text, back)
			}
			return
		}
		var bytes []byte
		for _, r := range back {
			bytes = append(bytes, byte(r))
		}
		if string(bytes) != string(text) {
			t.Fatalf("%q becomes %q", text, back)
		}
	})
}
