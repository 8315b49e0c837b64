// Package parity replays a file of requests against two deployments of one
// service, its image and its bundle, and reports how the answers differ.
//
// Load reads the requests, Replay sends them, and the Report says for each
// request whether the two answers are alike, differ as the file expects, or
// differ. A request goes out byte for byte as the file states it, and the body
// that comes back is compared as it came, never decompressed or normalised on
// the way.
package parity

import (
	"slices"
	"strings"
	"time"
)

// Limits of what is read. They keep a wrong file or a runaway answer from
// filling the memory.
const (
	// MaxBody is the largest body of a request or an answer, in bytes.
	MaxBody = 64 << 20
	// maxHeader is the largest head of an answer, in bytes.
	maxHeader = 1 << 20
	// maxSource and maxRecording are the largest requests file and HAR file.
	maxSource    = 16 << 20
	maxRecording = 256 << 20
)

// DefaultHost is the Host header that both sides get when Options name none. It
// has to be the same for both, because many apps repeat it in their answers.
const DefaultHost = "parity.local"

// Suite is a list of requests to replay, with what may differ in the answers.
type Suite struct {
	// Source is the file that the suite was read from, for messages.
	Source   string
	Requests []Request
	// Ignore holds for every request, beside the headers of BuiltIn.
	Ignore Ignore
	// Notes says what Load left out of a recording, a sentence each.
	Notes []string
}

// Ignore is what the comparison leaves out.
type Ignore struct {
	// Headers are names of headers and trailers; a name may end in "*".
	Headers []string
	// JSON are paths in a JSON body.
	JSON []JSONPath
	// Lines are prefixes of lines in a text body.
	Lines []string
}

func (i Ignore) and(other Ignore) Ignore {
	return Ignore{
		Headers: append(append([]string(nil), i.Headers...), other.Headers...),
		JSON:    append(append([]JSONPath(nil), i.JSON...), other.JSON...),
		Lines:   append(append([]string(nil), i.Lines...), other.Lines...),
	}
}

// without leaves out what an expectation names.
func (i Ignore) without(expected []Expectation) Ignore {
	for _, e := range expected {
		for _, p := range e.In {
			i.Headers = slices.DeleteFunc(slices.Clone(i.Headers), func(name string) bool {
				return (p.kind == inHeader || p.kind == inTrailer) && nameMatches(p.name, name)
			})
			i.JSON = slices.DeleteFunc(slices.Clone(i.JSON), func(path JSONPath) bool {
				return p.kind == inJSON && p.path.covers(path)
			})
			i.Lines = slices.DeleteFunc(slices.Clone(i.Lines), func(prefix string) bool {
				return p.kind == inLine && strings.HasPrefix(prefix, p.name)
			})
		}
	}
	return i
}

// Request is one request and what is expected of its answers.
type Request struct {
	Name   string
	Method string
	// Path is the path and query, sent byte for byte.
	Path string
	// Headers are sent in this order, after Host.
	Headers []Header
	Body    []byte
	// Chunked sends the body without a Content-Length.
	Chunked bool
	// Session names a cookie jar, one for each side. Requests of a session are
	// sent in the order of the file; all others are independent.
	Session string
	// FollowRedirects follows redirects to the same host, at most ten.
	FollowRedirects bool
	// Times is how often the request is sent; 0 means once.
	Times int
	// ExpectStatus is the status that both sides must answer with, or 0.
	ExpectStatus int
	// Timeout bounds the request with all its redirects; 0 means
	// Options.Timeout.
	Timeout  time.Duration
	Ignore   Ignore
	Expected []Expectation
}

// Header is one line of a request's head.
type Header struct{ Name, Value string }

// Expectation is a difference that is known, with its reason.
type Expectation struct {
	In     []Place
	Reason string
}

// Side is one of the two deployments.
type Side struct {
	// Name is the form that runs there: "image" or "bundle".
	Name string `json:"name"`
	// URL is where it answers. A path of the URL is put before each request's.
	URL string `json:"url"`
	// Target is the target's address, such as "local.function".
	Target string `json:"target,omitempty"`
	// Host is the Host header for this side alone, for a platform that routes by
	// it; "" means Options.Host.
	Host string `json:"host,omitempty"`
}

// Options change how a suite is replayed. The zero value works.
type Options struct {
	// Host is the Host header for both sides; "" means DefaultHost.
	Host string
	// Parallel is how many independent requests are sent at a time to each side;
	// 0 means 4.
	Parallel int
	// Timeout bounds one request; 0 means 60 s.
	Timeout time.Duration
	// Result is called with each result in the order of the file, as soon as it
	// and all before it are there; nil is allowed. Calls do not overlap.
	Result func(Result)
}

func (o Options) host() string {
	if o.Host != "" {
		return o.Host
	}
	return DefaultHost
}

func (o Options) parallel() int {
	if o.Parallel > 0 {
		return o.Parallel
	}
	return 4
}

func (o Options) timeout(r Request) time.Duration {
	switch {
	case r.Timeout > 0:
		return r.Timeout
	case o.Timeout > 0:
		return o.Timeout
	}
	return time.Minute
}
