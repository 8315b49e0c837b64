package parity

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
)

// endpoint is a side that requests can be sent to.
type endpoint struct {
	address string
	tls     *tls.Config
	prefix  string // put before each path, without a slash at its end
	host    string // the Host header
	base    *url.URL
}

func newEndpoint(s Side, host string) (*endpoint, error) {
	u, err := url.Parse(s.URL)
	if err != nil {
		return nil, fmt.Errorf("parity: %s: %w", s.Name, err)
	}
	if s.Host != "" {
		host = s.Host
	}
	if !validToken(host, ":[]") {
		return nil, fmt.Errorf("parity: %s: %q is no host name", s.Name, host)
	}
	e := &endpoint{prefix: strings.TrimRight(u.EscapedPath(), "/"), host: host, base: u}
	port := u.Port()
	switch {
	case u.Hostname() == "":
		return nil, fmt.Errorf("parity: %s: the URL %q has no host", s.Name, s.URL)
	case u.Scheme == "https":
		e.tls = &tls.Config{ServerName: u.Hostname(), NextProtos: []string{"http/1.1"}}
		if port == "" {
			port = "443"
		}
	case u.Scheme == "http":
		if port == "" {
			port = "80"
		}
	default:
		return nil, fmt.Errorf("parity: %s: the URL %q must begin with http:// or https://", s.Name, s.URL)
	}
	e.address = net.JoinHostPort(u.Hostname(), port)
	return e, nil
}

// answer is what a side answered, with the body whole.
type answer struct {
	status        int
	header        http.Header
	trailer       http.Header
	body          []byte
	informational []int
	redirects     []string
}

// exchange sends one request on a connection of its own and reads the answer.
//
// It does not use net/http's client, which rewrites paths, joins headers and
// adds its own: what the app sees has to be what the file says.
func (e *endpoint) exchange(ctx context.Context, r *Request, path string, cookie string) (*answer, error) {
	conn, err := e.dial(ctx)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	stop := context.AfterFunc(ctx, func() { conn.Close() })
	defer stop()

	// The answer is read while the body is still being sent: an app may answer
	// before it has read all, or without reading any of it.
	sent := make(chan error, 1)
	go func() { sent <- e.send(conn, r, path, cookie) }()
	a, err := receive(conn, r.Method)
	conn.Close() // ends a sender that waits for a reader
	sendErr := <-sent
	switch {
	case err == nil:
		return a, nil
	case ctx.Err() != nil:
		return nil, context.Cause(ctx)
	case sendErr != nil && errors.Is(err, io.ErrUnexpectedEOF):
		return nil, fmt.Errorf("sending the request: %w", sendErr)
	}
	return nil, err
}

func (e *endpoint) dial(ctx context.Context) (net.Conn, error) {
	var d net.Dialer
	conn, err := d.DialContext(ctx, "tcp", e.address)
	if err != nil || e.tls == nil {
		return conn, err
	}
	secure := tls.Client(conn, e.tls)
	if err := secure.HandshakeContext(ctx); err != nil {
		conn.Close()
		return nil, err
	}
	return secure, nil
}

// send writes the request. Host comes first, a User-Agent is added unless the
// request has one, and nothing else but the length of the body.
func (e *endpoint) send(conn net.Conn, r *Request, path, cookie string) error {
	host, agent := e.host, "twofold-parity"
	var lines strings.Builder
	for _, h := range r.Headers {
		switch {
		case strings.EqualFold(h.Name, "Host"):
			host = h.Value
			continue
		case strings.EqualFold(h.Name, "User-Agent"):
			agent = ""
		case strings.EqualFold(h.Name, "Cookie") && cookie != "":
			cookie = h.Value + "; " + cookie
			continue
		}
		fmt.Fprintf(&lines, "%s: %s\r\n", h.Name, h.Value)
	}
	if cookie != "" {
		fmt.Fprintf(&lines, "Cookie: %s\r\n", cookie)
	}

	w := bufio.NewWriterSize(conn, 64<<10)
	if path != "*" {
		path = e.prefix + path
	}
	fmt.Fprintf(w, "%s %s HTTP/1.1\r\nHost: %s\r\n", r.Method, path, host)
	if agent != "" {
		fmt.Fprintf(w, "User-Agent: %s\r\n", agent)
	}
	w.WriteString(lines.String())
	switch {
	case r.Chunked:
		w.WriteString("Transfer-Encoding: chunked\r\n\r\n")
		writeChunks(w, r.Body)
	case len(r.Body) > 0 || bodyIsUsual(r.Method):
		fmt.Fprintf(w, "Content-Length: %d\r\n\r\n", len(r.Body))
		w.Write(r.Body)
	default:
		w.WriteString("\r\n")
	}
	return w.Flush() // a bufio.Writer keeps the first error
}

func writeChunks(w *bufio.Writer, body []byte) {
	for len(body) > 0 {
		n := min(len(body), 32<<10)
		fmt.Fprintf(w, "%x\r\n", n)
		w.Write(body[:n])
		w.WriteString("\r\n")
		body = body[n:]
	}
	w.WriteString("0\r\n\r\n")
}

// bodyIsUsual says for which methods an empty body is stated with its length,
// as RFC 9110 section 8.6 asks.
func bodyIsUsual(method string) bool {
	return method == "POST" || method == "PUT" || method == "PATCH"
}

// receive reads one answer and all 1xx answers before it.
func receive(conn io.Reader, method string) (*answer, error) {
	head := &io.LimitedReader{R: conn, N: maxHeader}
	br := bufio.NewReaderSize(head, 64<<10)
	a := &answer{}
	for {
		resp, err := http.ReadResponse(br, &http.Request{Method: method})
		if err != nil {
			if head.N <= 0 {
				return nil, fmt.Errorf("the head of the answer is larger than %d bytes", maxHeader)
			}
			if errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) {
				return nil, fmt.Errorf("the connection was closed without an answer: %w", io.ErrUnexpectedEOF)
			}
			return nil, err
		}
		if resp.StatusCode == http.StatusSwitchingProtocols {
			return nil, errors.New("it switched protocols; parity compares plain answers only")
		}
		if resp.StatusCode < 200 {
			a.informational = append(a.informational, resp.StatusCode)
			if len(a.informational) > 100 {
				return nil, errors.New("more than 100 informational answers came")
			}
			continue
		}
		head.N = 1 << 62
		a.status, a.header = resp.StatusCode, resp.Header
		if a.body, err = readBody(resp); err != nil {
			return nil, err
		}
		a.trailer = resp.Trailer
		return a, nil
	}
}

func readBody(resp *http.Response) ([]byte, error) {
	var body bytes.Buffer
	n, err := io.Copy(&body, io.LimitReader(resp.Body, MaxBody+1))
	switch {
	case errors.Is(err, io.ErrUnexpectedEOF) && resp.ContentLength >= 0:
		return nil, fmt.Errorf("the answer ended after %d of %d bytes", n, resp.ContentLength)
	case errors.Is(err, io.ErrUnexpectedEOF):
		return nil, fmt.Errorf("the answer was cut short after %d bytes", n)
	case err != nil:
		return nil, err
	case n > MaxBody:
		return nil, fmt.Errorf("the answer is larger than %d MB, the most that parity compares", MaxBody>>20)
	}
	return body.Bytes(), nil
}
