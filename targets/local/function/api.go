package function

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// The runtime API of Lambda, one server an instance. Sources: "Using the Lambda
// runtime API" in the AWS Lambda developer guide, and the answers of
// aws-lambda-runtime-interface-emulator.

const (
	runtimePrefix   = "/2018-06-01/runtime/"
	extensionPrefix = "/2020-01-01/extension/"
)

// pollGrace is how long a second call for the next invocation waits until the
// first one's connection is seen to be closed.
const pollGrace = 100 * time.Millisecond

func newServer(i *instance) *http.Server {
	return &http.Server{
		Handler:     http.HandlerFunc(i.serveAPI),
		ErrorLog:    log.New(io.Discard, "", 0),
		ConnContext: func(ctx context.Context, c net.Conn) context.Context { return context.WithValue(ctx, connKey{}, c) },
	}
}

// connKey is the key of a request's connection in its context.
type connKey struct{}

// serveAPI routes the calls of the runtime. What Lambda does not know without
// SnapStart, restore/next and restore/error, is not found here either.
func (i *instance) serveAPI(w http.ResponseWriter, r *http.Request) {
	path, ok := strings.CutPrefix(r.URL.Path, runtimePrefix)
	if !ok {
		i.serveExtension(w, r)
		return
	}
	if id, ok := strings.CutPrefix(path, "invocation/"); ok {
		if id == "next" {
			if allow(w, r, http.MethodGet) {
				i.serveNext(w, r)
			}
			return
		}
		if id, ok := strings.CutSuffix(id, "/response"); ok && !strings.Contains(id, "/") {
			if allow(w, r, http.MethodPost) {
				i.serveResponse(w, r, id)
			}
			return
		}
		if id, ok := strings.CutSuffix(id, "/error"); ok && !strings.Contains(id, "/") {
			if allow(w, r, http.MethodPost) {
				i.serveError(w, r, id)
			}
			return
		}
	}
	if path == "init/error" {
		if allow(w, r, http.MethodPost) {
			i.serveInitError(w, r)
		}
		return
	}
	http.NotFound(w, r)
}

func allow(w http.ResponseWriter, r *http.Request, method string) bool {
	if r.Method != method {
		w.Header().Set("Allow", method)
		w.WriteHeader(http.StatusMethodNotAllowed)
		return false
	}
	return true
}

// serveNext answers when there is an invocation.
func (i *instance) serveNext(w http.ResponseWriter, r *http.Request) {
	poll := make(chan struct{})
	if !i.poll(w, poll) {
		return
	}
	defer close(poll)

	var v *invocation
	select {
	case v = <-i.deliver:
	case <-r.Context().Done():
		return
	case <-i.gone:
		return
	}

	conn, _ := r.Context().Value(connKey{}).(*apiConn)
	i.mu.Lock()
	if i.state != assigned || i.current != v {
		i.mu.Unlock()
		return
	}
	i.state, i.conn = invoking, conn
	first := !i.started
	i.started = true
	i.mu.Unlock()
	if first {
		i.log.platform(i.startLine(v))
	}

	h := w.Header()
	h["Content-Type"] = jsonType
	h["Content-Length"] = []string{strconv.Itoa(len(v.event))}
	h["Lambda-Runtime-Aws-Request-Id"] = []string{v.id}
	h["Lambda-Runtime-Deadline-Ms"] = []string{strconv.FormatInt(v.deadline.UnixMilli(), 10)}
	h["Lambda-Runtime-Invoked-Function-Arn"] = []string{i.f.arn}
	h["Lambda-Runtime-Trace-Id"] = []string{v.trace}
	_, err := w.Write(v.event)
	if err == nil {
		err = http.NewResponseController(w).Flush()
	}
	if err != nil {
		// The call was cut before the event could be sent: the next call takes it,
		// or another instance.
		i.mu.Lock()
		if i.state == invoking && i.current == v {
			i.state = assigned
			i.deliver <- v
		}
		i.mu.Unlock()
	}
}

// poll takes the step to a call that waits for an invocation. It completes the
// invocation that was answered before.
func (i *instance) poll(w http.ResponseWriter, poll chan struct{}) bool {
	for {
		i.mu.Lock()
		other := i.polling
		if other == nil || closed(other) {
			break
		}
		i.mu.Unlock()
		select {
		case <-other:
		case <-time.After(pollGrace):
			forbidden(w, ready, "Ready", "another call for the next invocation is waiting")
			return false
		}
	}
	// The mutex is held.
	switch i.state {
	case starting:
		i.state, i.polling = ready, poll
		close(i.ready)
		i.mu.Unlock()
	case ready, assigned:
		i.polling = poll
		i.mu.Unlock()
	case responded:
		v, failed := i.current, i.failed
		i.state, i.polling, i.current = ready, poll, nil
		i.mu.Unlock()
		i.complete(v, failed)
		i.f.release(i)
	default:
		s := i.state
		i.mu.Unlock()
		forbidden(w, s, "Ready", "State Transition is not allowed")
		return false
	}
	return true
}

func closed(c chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

// respond takes the step to an answer for the invocation with that id.
func (i *instance) respond(w http.ResponseWriter, id, step string) *invocation {
	i.mu.Lock()
	defer i.mu.Unlock()
	v := i.current
	if v == nil || v.id != id || i.state == assigned {
		refuse(w, http.StatusBadRequest, "InvalidRequestID", "Invalid request ID")
		return nil
	}
	if i.state != invoking {
		forbidden(w, i.state, step, "State Transition is not allowed")
		return nil
	}
	i.state = responding
	return v
}

// answered takes the step after an answer, before the caller gets to see it, so
// that the pool knows that the instance is about to be free.
func (i *instance) answered(v *invocation, failed *failure) {
	i.mu.Lock()
	current := i.current == v && i.state == responding
	if current {
		i.state = responded
		if i.failed == nil {
			i.failed = failed
		}
	}
	i.mu.Unlock()
	if current {
		i.f.finishes(1)
	}
}

func (i *instance) serveResponse(w http.ResponseWriter, r *http.Request, id string) {
	v := i.respond(w, id, "InvocationResponse")
	if v == nil {
		return
	}
	switch mode := r.Header.Get("Lambda-Runtime-Function-Response-Mode"); mode {
	case "":
		i.serveBuffered(w, r, v)
	case "streaming":
		i.serveStream(w, r, v)
	default:
		failed := functionError(kindInvalidMode, requestPrefix(id)+fmt.Sprintf("Invalid response mode %q", mode))
		i.answered(v, failed)
		v.answer(outcome{failure: failed})
		refuse(w, http.StatusBadRequest, "InvalidFunctionResponseMode", "Invalid function response mode")
	}
}

func (i *instance) serveBuffered(w http.ResponseWriter, r *http.Request, v *invocation) {
	payload, err := readAll(r.Body, r.ContentLength, payloadMax)
	switch {
	case errors.Is(err, errTooLarge):
		failed := responseTooLarge(payloadMax)
		i.answered(v, failed)
		v.answer(outcome{failure: failed})
		refuse(w, http.StatusRequestEntityTooLarge, "RequestEntityTooLarge",
			fmt.Sprintf("Exceeded maximum allowed payload size (%d bytes).", payloadMax))
	case err != nil:
		failed := functionError(kindTruncated, requestPrefix(v.id)+"The runtime's answer was cut off")
		i.answered(v, failed)
		v.answer(outcome{failure: failed})
		refuse(w, http.StatusBadRequest, "TruncatedHTTPRequest", "HTTP request detected as truncated")
	default:
		i.answered(v, nil)
		v.answer(outcome{payload: payload})
		accept(w)
	}
}

func responseTooLarge(limit int) *failure {
	return functionError(kindResponseSize,
		fmt.Sprintf("Response payload size exceeded maximum allowed payload size (%d bytes).", limit))
}

// errorKind is the form of the error types that Lambda passes on.
var errorKind = regexp.MustCompile(`^(Runtime|Function|Extension)\.[A-Z][a-zA-Z]+$`)

// reported returns the failure that a runtime reports in its own words.
func reported(kind string, body []byte) *failure {
	if !errorKind.MatchString(kind) {
		kind = kindUnknown
	}
	f := &failure{kind: kind, payload: body, reason: "it reported " + kind}
	var text struct {
		Type    string `json:"errorType"`
		Message string `json:"errorMessage"`
	}
	if json.Unmarshal(body, &text) == nil && text.Message != "" {
		f.reason = text.Message
	}
	return f
}

func (i *instance) serveError(w http.ResponseWriter, r *http.Request, id string) {
	v := i.respond(w, id, "InvocationErrorResponse")
	if v == nil {
		return
	}
	body, err := readAll(r.Body, r.ContentLength, payloadMax)
	var failed *failure
	switch {
	case errors.Is(err, errTooLarge):
		failed = responseTooLarge(payloadMax)
	case err != nil:
		failed = functionError(kindTruncated, requestPrefix(v.id)+"The runtime's error was cut off")
	default:
		failed = reported(r.Header.Get("Lambda-Runtime-Function-Error-Type"), body)
	}
	i.answered(v, failed)
	v.answer(outcome{failure: failed})
	accept(w)
}

func (i *instance) serveInitError(w http.ResponseWriter, r *http.Request) {
	body, err := readAll(r.Body, r.ContentLength, payloadMax)
	if err != nil {
		body = nil
	}
	i.mu.Lock()
	s := i.state
	i.mu.Unlock()
	if s != starting {
		forbidden(w, s, "InitError", "State Transition is not allowed")
		return
	}
	select {
	case i.initError <- reported(r.Header.Get("Lambda-Runtime-Function-Error-Type"), body):
	default:
	}
	accept(w)
}
