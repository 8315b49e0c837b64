package function

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// BenchmarkRequest measures a request through the emulation, with a runtime in
// this process that answers at once: the event out and the answer back are two
// HTTP exchanges of the runtime's.
func BenchmarkRequest(b *testing.B) {
	for _, size := range []struct {
		name  string
		bytes int
	}{{"1KB", 1 << 10}, {"100KB", 100 << 10}, {"1MB", 1 << 20}} {
		body := strings.Repeat("x", size.bytes)
		answer := `{"statusCode":200,"headers":{"content-type":"text/plain"},"body":"` + body + `"}`
		f := newFunction(b, each(func(*fakeRuntime, fakeEvent) string { return answer }))
		b.Run(size.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				r := httptest.NewRequest("POST", "/path?a=1", strings.NewReader(body))
				r.Header.Set("Content-Type", "text/plain")
				w := httptest.NewRecorder()
				f.ServeHTTP(w, r)
				if w.Code != 200 || w.Body.Len() != size.bytes {
					b.Fatalf("got %d and %d bytes", w.Code, w.Body.Len())
				}
			}
		})
	}
}

// BenchmarkEvent measures the event alone.
func BenchmarkEvent(b *testing.B) {
	for _, test := range []struct {
		name, kind string
		size       int
	}{{"text-1KB", "text/plain", 1 << 10}, {"text-1MB", "text/plain", 1 << 20}, {"binary-1MB", "image/png", 1 << 20}} {
		b.Run(test.name, func(b *testing.B) {
			body := bytes.Repeat([]byte("abcdefgh\n "), test.size/10)
			r := httptest.NewRequest("POST", "/path/of/it?a=1&b=2&a=3", nil)
			r.Header.Set("Content-Type", test.kind)
			r.Header.Set("Cookie", "a=b; c=d")
			b.SetBytes(int64(len(body)))
			b.ReportAllocs()
			for b.Loop() {
				event := make([]byte, 0, eventSize(r, body))
				appendEvent(event, r, body, urlIdentity{}, requestMeta{})
			}
		})
	}
}

// BenchmarkAnswer measures the decoding of an answer alone.
func BenchmarkAnswer(b *testing.B) {
	text := []byte(`{"statusCode":200,"headers":{"content-type":"application/json"},"body":"` + strings.Repeat(`{\"a\":1}\n`, 1<<17) + `"}`)
	binary := []byte(`{"statusCode":200,"isBase64Encoded":true,"body":"` + strings.Repeat("QUFB", 1<<18) + `"}`)
	for name, payload := range map[string][]byte{"text-1MB": text, "binary-1MB": binary} {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(payload)))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := decodeAnswer(payload); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkExchange is what two exchanges over net/http alone cost on this
// machine: the floor of BenchmarkRequest.
func BenchmarkExchange(b *testing.B) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		_, _ = io.WriteString(w, "ok")
	}))
	defer server.Close()
	body := strings.Repeat("x", 1<<10)
	for b.Loop() {
		for range 2 {
			response, err := http.Post(server.URL, "text/plain", strings.NewReader(body))
			if err != nil {
				b.Fatal(err)
			}
			_, _ = io.Copy(io.Discard, response.Body)
			response.Body.Close()
		}
	}
}
