package function

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"
)

func FuzzScanAgreesWithEncodingJSON(f *testing.F) {
	for _, seed := range []string{
		`{}`, `[]`, `null`, ` {"a" : [1, -2.5e+3, true, false, null, "x\u00e9\n"] } `, `{"a":1,"a":2}`,
		`"\ud83d\ude00"`, `"\ud83d"`, `"\ud83dx"`, `"\ude00\ud83d"`, `"\ud83d\u0041"`, "\"\xff\xfe\\n\"", `01`, `-`, `1.`, `1e`, `"`, `"\`, `"\u12`, `{"a"}`,
		`[1,]`, `{,}`, "\"\x01\"", `{"aaaaaaaaaaaaaaaaaaaaaaa":"bbbbbbbbbbbbbbbbb\"bbbbbbbbbb"}`, "\x00", `"\/\b\f\r\t\\"`, "\"\x7f\u2028\"",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		value, ok := trimValue(text)
		if valid := json.Valid(text); ok != valid {
			t.Fatalf("valid: %v, encoding/json says %v", ok, valid)
		}
		if !ok {
			return
		}
		switch value[0] {
		case '"':
			var want string
			if err := json.Unmarshal(value, &want); err != nil {
				t.Fatal(err)
			}
			if got := unquote(value); string(got) != want {
				t.Fatalf("got %q, encoding/json says %q", got, want)
			}
		case '{':
			var want map[string]json.RawMessage
			if err := json.Unmarshal(value, &want); err != nil {
				t.Fatal(err)
			}
			got := map[string]json.RawMessage{}
			if !scanObject(text, func(name string, value []byte) { got[name] = value }) {
				t.Fatal("a valid object is none")
			}
			if len(got) != len(want) {
				t.Fatalf("got %d fields, encoding/json says %d", len(got), len(want))
			}
			for name := range want {
				if !bytes.Equal(got[name], want[name]) {
					t.Fatalf("%q: got %s, encoding/json says %s", name, got[name], want[name])
				}
			}
		case '[':
			var want []json.RawMessage
			if err := json.Unmarshal(value, &want); err != nil {
				t.Fatal(err)
			}
			n := 0
			if !scanArray(text, func(value []byte) {
				if !bytes.Equal(value, want[n]) {
					t.Fatalf("element %d: got %s, encoding/json says %s", n, value, want[n])
				}
				n++
			}) || n != len(want) {
				t.Fatalf("got %d elements, encoding/json says %d", n, len(want))
			}
		}
	})
}

func FuzzStringsSurvive(f *testing.F) {
	f.Add("")
	f.Add("plain")
	f.Add("quote \" back \\ slash / tab \t null \x00 del \x7f é λ 😀 \u2028")
	f.Add("latin \xe9\xff")
	f.Fuzz(func(t *testing.T, s string) {
		want := s
		if !utf8.ValidString(s) {
			var latin strings.Builder
			for i := range len(s) {
				latin.WriteRune(rune(s[i]))
			}
			want = latin.String()
		}
		for _, quoted := range [][]byte{appendString(nil, s), appendText(nil, []byte(want))} {
			var got string
			if err := json.Unmarshal(quoted, &got); err != nil {
				t.Fatalf("%q: %v", quoted, err)
			}
			if got != want {
				t.Fatalf("got %q, want %q", got, want)
			}
		}
	})
}

func TestPlainLengthFindsTheFirstSpecialByte(t *testing.T) {
	for size := range 40 {
		for at := range size {
			for c := range 256 {
				b := bytes.Repeat([]byte{'a'}, size)
				b[at] = byte(c)
				want := size
				if c < ' ' || c == '"' || c == '\\' {
					want = at
				}
				if got := plainLength(b); got != want {
					t.Fatalf("byte %#x at %d of %d: got %d, want %d", c, at, size, got, want)
				}
			}
		}
	}
}

func TestNestingHasALimit(t *testing.T) {
	if _, ok := trimValue([]byte(strings.Repeat("[", 10000) + strings.Repeat("]", 10000))); !ok {
		t.Error("10000 levels are refused")
	}
	if _, ok := trimValue([]byte(strings.Repeat("[", 10001) + strings.Repeat("]", 10001))); ok {
		t.Error("10001 levels are taken")
	}
}
