package main

import (
	"bufio"
	"bytes"
	"io"
	"net/http"
	"strings"
	"testing"
)

// readAll reads an answer that arrives in pieces of that size, as conn does, and
// says whether it is whole when the connection ends behind it.
func readAll(r *response, raw []byte, piece int) ([]byte, error) {
	buf := make([]byte, 0, 2*len(raw)+1)
	for len(raw) > 0 {
		n := min(piece, len(raw))
		buf = append(buf, raw[:n]...)
		raw = raw[n:]
		done, err := r.advance(buf)
		if err != nil {
			return nil, err
		}
		if done {
			return bytes.Clone(r.body(buf)), nil
		}
		buf = buf[:r.compact(buf)]
	}
	if err := r.closed(); err != nil {
		return nil, err
	}
	return bytes.Clone(r.body(buf)), nil
}

func TestConnectionIsUsedAgainOnlyWhereThatIsSafe(t *testing.T) {
	cases := []struct {
		raw   string
		reuse bool
	}{
		{"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", true},
		{"HTTP/1.1 200 OK\nContent-Length: 2\n\nok", true},
		{"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n", true},
		{"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 2\r\n\r\n2\r\nok\r\n0\r\n\r\n", false},
		{"HTTP/1.1 200 OK\r\nConnection: Close\r\nContent-Length: 2\r\n\r\nok", false},
		{"HTTP/1.1 200 OK\r\nConnection: x, close\r\nContent-Length: 2\r\n\r\nok", false},
		{"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok", false},
		{"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 2\r\n\r\nok", true},
		{"HTTP/1.1 200 OK\r\n\r\nok", false},
		{"HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\nConnection: keep-alive\r\nContent-Length: 2\r\n\r\nok", false},
		{"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 200 OK\r\n\r\n", false},
	}
	for _, c := range cases {
		for _, piece := range []int{1, 2, 7, 1 << 20} {
			var r response
			r.reset(false, 0)
			body, err := readAll(&r, []byte(c.raw), piece)
			if err != nil || !strings.HasPrefix(string(body), "ok") {
				t.Errorf("%q: body %q, error %v", c.raw, body, err)
			}
			// What comes behind the answer is seen only if it came with it.
			if piece == 1<<20 && r.reuse != c.reuse {
				t.Errorf("%q: reuse is %v, want %v", c.raw, r.reuse, c.reuse)
			}
		}
	}
}

func TestFoldedFieldIsOneField(t *testing.T) {
	var r response
	r.reset(false, 0)
	raw := []byte("HTTP/1.1 200 OK\r\nX-A: one\r\n two\r\n\tthree\r\nContent-Length: 0\r\n\r\n")
	if done, err := r.advance(raw); !done || err != nil {
		t.Fatal(done, err)
	}
	f := r.fields[0]
	if got := strings.Join(strings.Fields(string(raw[f.value:f.valueEnd])), " "); got != "one two three" {
		t.Errorf("got %q", got)
	}
}

func TestLimitStopsABodyEarly(t *testing.T) {
	for _, raw := range []string{
		"HTTP/1.1 200 OK\r\nContent-Length: 11\r\n\r\n",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n6\r\n123456\r\n5\r\n",
		"HTTP/1.1 200 OK\r\n\r\n12345678901",
	} {
		var r response
		r.reset(false, 10)
		if _, err := readAll(&r, []byte(raw), 3); err != errTooLarge {
			t.Errorf("%q: %v", raw, err)
		}
	}
}

func TestTinyChunksDoNotFillTheBuffer(t *testing.T) {
	var r response
	r.reset(false, 0)
	buf := []byte("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
	most := 0
	for range 10_000 {
		buf = append(buf, "1\r\nx\r\n"...)
		if done, err := r.advance(buf); done || err != nil {
			t.Fatal(done, err)
		}
		buf = buf[:r.compact(buf)]
		most = max(most, len(buf))
	}
	if size := r.end - r.start; size != 10_000 || most > size+200 {
		t.Errorf("%d bytes of body took a buffer of %d", size, most)
	}
}

// FuzzResponse holds the reader beside net/http's: what both take has the same
// status and body, in however many pieces it arrives; and nothing makes it panic.
func FuzzResponse(f *testing.F) {
	for _, s := range []string{
		"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2;x=y\r\nok\r\n0\r\nT: 1\r\n\r\n",
		"HTTP/1.0 404 Not Found\r\nX: 1\r\n y\r\n\r\nbody",
		"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 No Content\r\nSet-Cookie: a=b\r\nSet-Cookie: c=d\r\n\r\n",
		"HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0 0\r\n\r\n",
		"HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n",
	} {
		f.Add([]byte(s), uint8(1), false)
		f.Add([]byte(s), uint8(100), true)
	}
	f.Fuzz(func(t *testing.T, raw []byte, piece uint8, head bool) {
		var whole, parts response
		whole.reset(head, 1<<20)
		parts.reset(head, 1<<20)
		body, err := readAll(&whole, raw, len(raw)+1)
		body2, err2 := readAll(&parts, raw, int(piece)+1)
		if (err == nil) != (err2 == nil) || !bytes.Equal(body, body2) || err == nil && whole.status != parts.status {
			t.Fatalf("%q: %q %v, in pieces %q %v", raw, body, err, body2, err2)
		}
		if err != nil {
			return
		}
		b := bytes.Clone(raw)
		var again response
		again.reset(head, 1<<20)
		again.advance(b)
		again.closed()
		out := appendAnswer(nil, &again, b, httpAPI)
		if !validJSON(out) {
			t.Fatalf("%q becomes %q", raw, out)
		}
		method := "GET"
		if head {
			method = "HEAD"
		}
		in := bufio.NewReader(bytes.NewReader(raw))
		for {
			res, err := http.ReadResponse(in, &http.Request{Method: method})
			if err != nil {
				return // the two are strict about other things
			}
			want, err := io.ReadAll(res.Body)
			if err != nil {
				return
			}
			if res.StatusCode < 200 {
				continue
			}
			if res.StatusCode != whole.status || !bytes.Equal(want, body) {
				t.Fatalf("%q: %d %q, net/http reads %d %q", raw, whole.status, body, res.StatusCode, want)
			}
			return
		}
	})
}
