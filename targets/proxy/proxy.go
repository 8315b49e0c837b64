// Package proxy carries requests to the instances of a service and changes nothing
// that it need not change. What stands before containers uses it, here and on hosts.
package proxy

import (
	"context"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httputil"
	"slices"
	"strings"
	"syscall"
	"time"
)

// Config is what a Proxy works with.
type Config struct {
	// Pick chooses the instance for a request, as "host:port".
	Pick func(ctx context.Context) (string, error)
	// Lost, if not nil, is told the address of an instance that closed a connection
	// without an answer.
	Lost func(address string)
	// Refused, if not nil, is told the address of an instance that takes no
	// connection. The request goes to the next one that Pick chooses.
	Refused func(address string)
	// Patience is how long instances that take no connection are tried for one
	// request; 0 is a tenth of a second.
	Patience time.Duration
	// AnswerWithin bounds the time until the app begins to answer; 0 is no bound.
	AnswerWithin time.Duration
	// Behind says that whoever asks is a proxy of ours too, which has said already
	// who asked it.
	Behind bool
	Logger *log.Logger
}

// New returns a reverse proxy: the path and the query go on byte for byte, the Host
// is the client's, a body is passed on as it comes, and upgraded connections work.
func New(c Config) *Proxy {
	if c.Patience == 0 {
		c.Patience = 100 * time.Millisecond
	}
	transport := &http.Transport{
		DialContext:           (&net.Dialer{Timeout: 5 * time.Second}).DialContext,
		DisableCompression:    true, // or it would ask for gzip where the client did not
		ResponseHeaderTimeout: c.AnswerWithin,
		ExpectContinueTimeout: time.Second,
		MaxIdleConnsPerHost:   256,
		// Some servers close an idle connection after two seconds. A request that
		// is sent just then is lost, and only one without a body can be repeated.
		IdleConnTimeout: time.Second,
	}
	p := &Proxy{transport: transport}
	p.reverse = &httputil.ReverseProxy{
		Rewrite:       func(pr *httputil.ProxyRequest) { rewrite(pr, c.Behind) },
		Transport:     &picking{Config: c, transport: transport},
		FlushInterval: -1,
		ErrorLog:      c.Logger,
		ErrorHandler:  answerError,
	}
	return p
}

// Proxy is an http.Handler. Make one with New.
type Proxy struct {
	reverse   *httputil.ReverseProxy
	transport *http.Transport
}

// ServeHTTP carries one request.
func (p *Proxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	// The server would guess a type that the app chose not to state.
	w.Header()["Content-Type"] = nil
	p.reverse.ServeHTTP(w, r)
}

// Close ends the idle connections to instances.
func (p *Proxy) Close() { p.transport.CloseIdleConnections() }

func rewrite(pr *httputil.ProxyRequest, behind bool) {
	in, out := pr.In, pr.Out
	out.URL.Scheme = "http"
	out.Host = in.Host
	// ReverseProxy drops what it cannot parse of a query, and URL encodes a path
	// its own way; the app is to see what the client sent.
	out.URL.RawQuery = in.URL.RawQuery
	out.URL.ForceQuery = in.URL.ForceQuery
	if path, _, _ := strings.Cut(in.RequestURI, "?"); strings.HasPrefix(path, "/") && !strings.HasPrefix(path, "//") {
		out.URL.Opaque = path
	} else if in.RequestURI == "*" {
		out.URL.Opaque = "*"
	}
	if behind {
		passOn(out.Header, in.Header)
	} else {
		forward(out.Header, in)
	}
	if out.Body != nil {
		out.Body = keepOpen{out.Body}
	}
}

// forward says who asked, as the emulated function's platform does: both forms are
// to see the same.
func forward(h http.Header, in *http.Request) {
	for _, name := range []string{"Forwarded", "X-Forwarded-Host"} {
		if values, ok := in.Header[name]; ok {
			h[name] = values // ReverseProxy has dropped them
		}
	}
	if client, _, err := net.SplitHostPort(in.RemoteAddr); err == nil {
		h.Set("X-Forwarded-For", strings.Join(append(slices.Clone(in.Header["X-Forwarded-For"]), client), ", "))
	}
	proto, port := "http", "80"
	if in.TLS != nil {
		proto, port = "https", "443"
	}
	h.Set("X-Forwarded-Proto", proto)
	if _, asked, err := net.SplitHostPort(in.Host); err == nil && asked != "" {
		port = asked
	}
	h.Set("X-Forwarded-Port", port)
}

// passOn keeps what the proxy in front has said of the client.
func passOn(out, in http.Header) {
	for _, name := range []string{"Forwarded", "X-Forwarded-Host", "X-Forwarded-For", "X-Forwarded-Proto", "X-Forwarded-Port"} {
		if values, ok := in[name]; ok {
			out[name] = values
		}
	}
}

// keepOpen is a body that a failed attempt to connect does not close, so that
// the next attempt can still send it. The server closes the real one.
type keepOpen struct{ io.Reader }

func (keepOpen) Close() error { return nil }

// picking chooses the instance for each request, and another one when the
// chosen one no longer listens. What was never sent can be sent again.
type picking struct {
	Config
	transport http.RoundTripper
}

func (p *picking) RoundTrip(r *http.Request) (*http.Response, error) {
	began := time.Now()
	for {
		address, err := p.Pick(r.Context())
		if err != nil {
			return nil, err
		}
		try, url := *r, *r.URL
		url.Host = address
		try.URL = &url
		resp, err := p.transport.RoundTrip(&try)
		if err == nil {
			return resp, nil
		}
		var op *net.OpError
		if !errors.As(err, &op) || op.Op != "dial" {
			if p.Lost != nil && closed(err) {
				p.Lost(address)
			}
			return nil, err
		}
		if p.Refused != nil {
			p.Refused(address)
		}
		if time.Since(began) > p.Patience {
			return nil, err
		}
		// The instance died, and that is about to be noticed.
		select {
		case <-time.After(5 * time.Millisecond):
		case <-r.Context().Done():
			return nil, r.Context().Err()
		}
	}
}

// closed reports whether the error is that of a connection that the app closed.
func closed(err error) bool {
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE)
}

// NoInstanceError is returned by a Config's Pick when no instance can take a
// request. Its reason is part of the answer to the client.
type NoInstanceError struct{ Reason string }

func (e *NoInstanceError) Error() string { return e.Reason }

// answerError answers for an app that did not. The text names no address and no
// value of the environment.
func answerError(w http.ResponseWriter, r *http.Request, err error) {
	status, text := http.StatusBadGateway, "the app closed the connection before it answered"
	var none *NoInstanceError
	var timeout net.Error
	switch {
	case errors.Is(err, context.Canceled):
		// The client went away; nobody reads this.
	case errors.As(err, &none):
		text = none.Reason
	case errors.As(err, &timeout) && timeout.Timeout():
		status, text = http.StatusGatewayTimeout, "the app did not begin to answer within the service's timeout"
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(status)
	io.WriteString(w, "twofold: "+text+"\n")
}
