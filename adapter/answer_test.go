package main

import (
	"encoding/base64"
	"encoding/json"
	"slices"
	"strings"
	"testing"
)

type v2Answer struct {
	StatusCode      int               `json:"statusCode"`
	Headers         map[string]string `json:"headers"`
	Cookies         []string          `json:"cookies"`
	Body            string            `json:"body"`
	IsBase64Encoded bool              `json:"isBase64Encoded"`
}

func answerOf(t *testing.T, raw string) v2Answer {
	t.Helper()
	var r response
	r.reset(false, 0)
	b := []byte(raw)
	if _, err := r.advance(b); err != nil {
		t.Fatalf("%q: %v", raw, err)
	}
	if err := r.closed(); err != nil {
		t.Fatalf("%q: %v", raw, err)
	}
	out := appendAnswer(nil, &r, b, httpAPI)
	var a v2Answer
	if err := json.Unmarshal(out, &a); err != nil {
		t.Fatalf("%q becomes %q: %v", raw, out, err)
	}
	return a
}

func TestFieldsOfAnAnswer(t *testing.T) {
	cases := []struct {
		name, fields string
		want         map[string]string
		cookies      []string
	}{
		{"one", "X-A: 1\r\n", map[string]string{"X-A": "1"}, nil},
		{"repeated fields are joined, whatever their case", "X-A: 1\r\nx-a: 2\r\nVary: a\r\nX-A: 3\r\n", map[string]string{"X-A": "1, 2, 3", "Vary": "a"}, nil},
		{"cookies are a list", "Set-Cookie: a=1; Expires=Mon, 01 Jan 2026 00:00:00 GMT\r\nset-cookie: b=2\r\nX-A: 1\r\n",
			map[string]string{"X-A": "1"}, []string{"a=1; Expires=Mon, 01 Jan 2026 00:00:00 GMT", "b=2"}},
		{"hop-by-hop fields are left out", "Connection: x-b, close\r\nX-B: 1\r\nKeep-Alive: 5\r\nProxy-Connection: x\r\nTrailer: x\r\nUpgrade: x\r\nTE: x\r\nProxy-Authenticate: x\r\nX-A: 1\r\n",
			map[string]string{"X-A": "1"}, nil},
		{"bytes that are no UTF-8 are ISO 8859-1", "X-A: caf\xe9\r\n", map[string]string{"X-A": "café"}, nil},
		{"UTF-8", "X-A: café\r\n", map[string]string{"X-A": "café"}, nil},
		{"quotes and control bytes", "X-A: \"a\\b\"\x01\x7f\r\n", map[string]string{"X-A": "\"a\\b\"\x01\x7f"}, nil},
		{"empty", "X-A:\r\nX-B: \r\n", map[string]string{"X-A": "", "X-B": ""}, nil},
		{"the same length twice is one", "Content-Length: 0\r\ncontent-length: 0\r\n", map[string]string{"Content-Length": "0"}, nil},
		{"none", "", map[string]string{}, nil},
	}
	for _, c := range cases {
		a := answerOf(t, "HTTP/1.1 207 Multi\r\n"+c.fields+"\r\n")
		if a.StatusCode != 207 || !slices.Equal(a.Cookies, c.cookies) || len(a.Headers) != len(c.want) {
			t.Errorf("%s: got %+v", c.name, a)
		}
		for k, v := range c.want {
			if got, ok := a.Headers[k]; !ok || got != v {
				t.Errorf("%s: %s is %q, want %q", c.name, k, got, v)
			}
		}
	}
}

func TestBodyOfAnAnswer(t *testing.T) {
	zeros := strings.Repeat("\x00", 5000)
	cases := []struct {
		name, fields, body string
		base64             bool
	}{
		{"text", "Content-Type: text/plain\r\n", "hello \"you\"\n\t\\ é \U0001F600", false},
		{"text of whatever type", "Content-Type: application/octet-stream\r\n", "hello", false},
		{"empty", "", "", false},
		{"not UTF-8", "Content-Type: text/plain\r\n", "caf\xe9", true},
		{"encoded", "Content-Encoding: gzip\r\n", "pretend", true},
		{"not encoded", "Content-Encoding: identity\r\n", "hello", false},
		{"encoded, empty", "Content-Encoding: gzip\r\n", "", false},
		{"bytes that would grow as text", "", zeros, true},
		{"control bytes", "", "\x00\x01\x1f\x7f", false},
		{"line separators of JavaScript", "", "a\u2028b\u2029c", false},
		{"eight bytes and more, each in every place", "", `"2345678"1234567\ABCDEFGH"`, false},
	}
	for _, c := range cases {
		a := answerOf(t, "HTTP/1.1 200 OK\r\n"+c.fields+"\r\n"+c.body)
		got := a.Body
		if a.IsBase64Encoded {
			b, err := base64.StdEncoding.DecodeString(a.Body)
			if err != nil {
				t.Errorf("%s: %v", c.name, err)
			}
			got = string(b)
		}
		if got != c.body || a.IsBase64Encoded != c.base64 {
			t.Errorf("%s: got %.60q, base64 %v, want %.60q, %v", c.name, got, a.IsBase64Encoded, c.body, c.base64)
		}
	}
}

func TestAnswerToAnEventIsJSONOrNull(t *testing.T) {
	for body, want := range map[string]string{
		`{"batchItemFailures":[]}`: `{"batchItemFailures":[]}`,
		` [1] `:                    ` [1] `,
		`"ok"`:                     `"ok"`,
		"":                         "null", "ok": "null", `{"a":`: "null", "\xff": "null",
	} {
		var r response
		r.reset(false, 0)
		b := []byte("HTTP/1.1 200 OK\r\n\r\n" + body)
		r.advance(b)
		r.closed()
		if got := appendEventAnswer(nil, &r, b); string(got) != want {
			t.Errorf("%q becomes %q, want %q", body, got, want)
		}
	}
}
