package function

import (
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
)

// stream is an answer that the runtime is still sending. Whoever receives it
// reads from it to its end, and then calls finish, once.
type stream struct {
	io.Reader
	// integration says that a prelude with status and headers precedes the body.
	integration bool
	contentType string

	instance   *instance
	invocation *invocation
	request    *http.Request
	done       chan struct{}
}

const integrationType = "application/vnd.awslambda.http-integration-response"

// serveStream hands the body of the runtime's request to who waits for the
// answer, and returns when it has been read.
func (i *instance) serveStream(w http.ResponseWriter, r *http.Request, v *invocation) {
	s := &stream{
		Reader:      &limitedReader{r: r.Body, left: streamMax},
		integration: r.Header.Get("Content-Type") == integrationType,
		contentType: r.Header.Get("Content-Type"),
		instance:    i, invocation: v, request: r,
		done: make(chan struct{}),
	}
	v.answer(outcome{stream: s})
	select {
	case <-s.done:
	case <-v.completed:
		// The time was over before the answer began: nobody reads it.
		return
	}
	accept(w)
}

// finish ends the stream: err is what its last Read returned. The result is the
// failure of the invocation, if it failed midway.
func (s *stream) finish(err error) *failure {
	failed := s.failure(err)
	s.instance.answered(s.invocation, failed)
	close(s.done)
	return failed
}

func (s *stream) failure(err error) *failure {
	id := s.invocation.id
	switch {
	case errors.Is(err, errTooLarge):
		return responseTooLarge(streamMax)
	case errors.Is(err, errPrelude):
		return functionError(kindStreaming, requestPrefix(id)+err.Error())
	case err != io.EOF:
		return functionError(kindTruncated, requestPrefix(id)+"The runtime's answer was cut off")
	}
	// The trailers are there once the body has been read to its end.
	kind := s.request.Trailer.Get("Lambda-Runtime-Function-Error-Type")
	if kind == "" {
		return nil
	}
	text := s.request.Trailer.Get("Lambda-Runtime-Function-Error-Body")
	body, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		body = []byte(text)
	}
	return reported(kind, body)
}

var errPrelude = errors.New("the streamed answer's prelude is invalid")

// limitedReader fails with errTooLarge beyond a number of bytes.
type limitedReader struct {
	r    io.Reader
	left int64
}

func (l *limitedReader) Read(p []byte) (int, error) {
	n, err := l.r.Read(p)
	if l.left -= int64(n); l.left < 0 {
		return 0, errTooLarge
	}
	return n, err
}

var streamBuffers = sync.Pool{New: func() any { b := make([]byte, 32<<10); return &b }}

// copyStream writes a streamed answer as it comes. It returns the failure of an
// answer that failed, and whether the client has seen any of it.
func copyStream(w http.ResponseWriter, r *http.Request, s *stream) (failed *failure, begun bool) {
	buffer := streamBuffers.Get().(*[]byte)
	defer streamBuffers.Put(buffer)

	rest, err := s.head(w, r, *buffer)
	if err != nil && err != io.EOF {
		return s.drain(err), false
	}
	flush := http.NewResponseController(w).Flush
	// A client that has gone does not stop the function: the rest is read and
	// dropped.
	gone := false
	send := func(p []byte) {
		if gone || len(p) == 0 {
			return
		}
		if _, werr := w.Write(p); werr != nil || flush() != nil {
			gone = true
		}
	}
	if len(rest) == 0 && err == nil {
		gone = flush() != nil
	}
	send(rest)
	for err == nil {
		var n int
		n, err = s.Read(*buffer)
		send((*buffer)[:n])
	}
	return s.finish(err), true
}

// head reads the prelude, if there is one, and writes the head of the answer. It
// returns what it read of the body, and the error that ended the stream, if any.
func (s *stream) head(w http.ResponseWriter, r *http.Request, buffer []byte) (rest []byte, err error) {
	a := answer{status: http.StatusOK}
	if !s.integration {
		if s.contentType != "" {
			a.headers = [][2]string{{"Content-Type", s.contentType}}
		}
		n, err := s.Read(buffer)
		if n == 0 && err != nil && err != io.EOF {
			return nil, err
		}
		a.writeStreamHead(w, r)
		return buffer[:n], err
	}
	var head []byte
	for {
		n, err := s.Read(buffer)
		head = append(head, buffer[:n]...)
		prelude, used, ok := cutPrelude(head)
		if ok {
			a, perr := decodePrelude(prelude)
			if perr != nil {
				return nil, fmt.Errorf("%w: %w", errPrelude, perr)
			}
			if err != nil && err != io.EOF {
				return nil, err
			}
			a.writeStreamHead(w, r)
			return head[used:], err
		}
		switch {
		case err == io.EOF:
			return nil, fmt.Errorf("%w: it has no end", errPrelude)
		case err != nil:
			return nil, err
		case len(head) > preludeMax:
			return nil, fmt.Errorf("%w: it is longer than %d bytes", errPrelude, preludeMax)
		}
	}
}

// writeStreamHead writes the head of an answer of unknown length.
func (a answer) writeStreamHead(w http.ResponseWriter, r *http.Request) {
	if !slices.ContainsFunc(a.headers, func(h [2]string) bool { return strings.EqualFold(h[0], "Content-Type") }) {
		a.headers = append(a.headers, [2]string{"Content-Type", "application/octet-stream"})
	}
	a.writeHead(w.Header(), r)
	w.WriteHeader(a.status)
}

// drain reads a stream that nobody wants to its end, and finishes it.
func (s *stream) drain(err error) *failure {
	if errors.Is(err, errPrelude) {
		if _, rerr := io.Copy(io.Discard, s.Reader); rerr != nil {
			err = rerr
		}
	}
	return s.finish(err)
}
