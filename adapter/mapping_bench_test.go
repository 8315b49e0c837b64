package main

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"testing"
)

// The two halves of the mapping alone, without a connection: what is left when the
// kernel's part is taken away. adapter/bench measures the whole.

func benchmarkBodies() map[string][]byte {
	text := bytes.Repeat([]byte(`{"id":12345,"name":"a name","tags":["x","y"],"text":"some words that say little"},`), 2000)
	html := bytes.Repeat([]byte("<p>Some words that say little, and some more of them.</p>\n"), 2000)
	binary := make([]byte, 100<<10)
	for i := range binary {
		binary[i] = byte(i * 7)
	}
	return map[string][]byte{"json1K": text[:1<<10], "json100K": text[:100<<10], "html100K": html[:100<<10], "binary100K": binary}
}

func BenchmarkRequestFromEvent(b *testing.B) {
	for name, body := range benchmarkBodies() {
		e := newV2(apiDomain, "POST", "/echo/items")
		e.Headers = map[string]string{"accept": "*/*", "content-type": "application/json", "host": apiDomain, "user-agent": "Mozilla/5.0 (X11; Linux x86_64)", "x-forwarded-for": "192.0.2.1"}
		e.Body = string(body)
		if name == "binary100K" {
			e.Body, e.IsBase64Encoded = base64.StdEncoding.EncodeToString(body), true
		}
		data, err := json.Marshal(e)
		if err != nil {
			b.Fatal(err)
		}
		b.Run(name, func(b *testing.B) {
			r, scratch := new(request), make([]byte, len(data))
			b.SetBytes(int64(len(data)))
			b.ReportAllocs()
			for b.Loop() {
				copy(scratch, data)
				if err := r.fromEvent(scratch, "/events", ""); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkAnswer(b *testing.B) {
	for name, body := range benchmarkBodies() {
		raw := append([]byte("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nDate: Mon, 23 Nov 2026 18:47:21 GMT\r\nContent-Length: "+itoa(len(body))+"\r\n\r\n"), body...)
		b.Run(name, func(b *testing.B) {
			var r response
			var out []byte
			b.SetBytes(int64(len(body)))
			b.ReportAllocs()
			for b.Loop() {
				r.reset(false, 0)
				if done, err := r.advance(raw); !done || err != nil {
					b.Fatal(done, err)
				}
				out = appendAnswer(out[:0], &r, raw, httpAPI)
			}
		})
	}
}
