package container

import (
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
)

// BenchmarkRequest compares a request through the gateway with one that goes to the
// app directly.
func BenchmarkRequest(b *testing.B) {
	r := newFakeRunner(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "hello") }))
	g := newTestGroup(b, r, nil)
	if err := g.Start(b.Context()); err != nil {
		b.Fatal(err)
	}
	front := httptest.NewServer(g)
	defer front.Close()
	for name, url := range map[string]string{"direct": "http://" + (<-r.started).address, "gateway": front.URL} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				resp, err := http.Get(url)
				if err != nil {
					b.Fatal(err)
				}
				io.Copy(io.Discard, resp.Body)
				resp.Body.Close()
			}
		})
	}
}
