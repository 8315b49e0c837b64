package function

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// ServeHTTP answers a request as a function URL does: with what the function
// returned, or 502 if the invocation failed, 429 if all instances are busy and
// no more are allowed, 413 if the request is too large for an event, 503 after
// Close. A client that goes away does not stop the function.
//
// As a reverse proxy does, it panics with http.ErrAbortHandler when a streamed
// answer fails midway, so that the client sees that it is not whole.
func (f *Function) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if !f.begin() {
		platformError(w, http.StatusServiceUnavailable, "ServiceUnavailableException", `{"message":"The function is closed."}`)
		return
	}
	defer f.calls.Done()

	body, err := readAll(r.Body, r.ContentLength, payloadMax)
	if err != nil && !errors.Is(err, errTooLarge) {
		platformError(w, http.StatusBadRequest, "InvalidRequestContentException", `{"message":"The request was cut off."}`)
		return
	}
	now := time.Now()
	meta := requestMeta{id: newRequestID(), trace: traceOf(r, now), time: now}
	var event []byte
	if err == nil {
		event = make([]byte, 0, eventSize(r, body))
		event = appendEvent(event, r, body, f.url, meta)
	}
	h := w.Header()
	h["X-Amzn-Requestid"] = []string{meta.id}
	h["X-Amzn-Trace-Id"] = []string{meta.trace}
	if err != nil || len(event) > payloadMax {
		platformError(w, http.StatusRequestEntityTooLarge, "RequestTooLargeException",
			`{"message":"Request must be smaller than `+strconv.Itoa(payloadMax)+` bytes for the InvokeFunction operation"}`)
		return
	}

	_, out := f.run(meta.id, meta.trace, event, nil)
	switch {
	case out.throttled:
		platformError(w, http.StatusTooManyRequests, "TooManyRequestsException",
			`{"Reason":"ReservedFunctionConcurrentInvocationLimitExceeded","Type":"User","message":"Rate Exceeded."}`)
	case errors.Is(out.err, ErrClosed):
		platformError(w, http.StatusServiceUnavailable, "ServiceUnavailableException", `{"message":"The function is closed."}`)
	case out.failure != nil:
		badGateway(w)
	case out.stream != nil:
		if failed, begun := copyStream(w, r, out.stream); failed != nil {
			if begun {
				panic(http.ErrAbortHandler)
			}
			badGateway(w)
		}
	default:
		a, err := decodeAnswer(out.payload)
		if err != nil {
			f.log.write([]byte("RequestId: " + meta.id + " Error: the function's answer is no HTTP answer: " + err.Error() + "\n"))
			badGateway(w)
			return
		}
		a.write(w, r)
	}
}

// eventSize guesses the size of an event, so that it is allocated once.
func eventSize(r *http.Request, body []byte) int {
	size := 2048 + 2*len(r.RequestURI) + len(body)
	for name, values := range r.Header {
		for _, value := range values {
			size += len(name) + len(value) + 8
		}
	}
	if !isText(r.Header) {
		return size + len(body)/3
	}
	for _, escaped := range []string{`"`, `\`, "\n", "\r", "\t"} {
		size += bytes.Count(body, []byte(escaped))
	}
	return size
}

// traceOf returns the trace that the client began, or a new one.
func traceOf(r *http.Request, now time.Time) string {
	if trace := r.Header.Get("X-Amzn-Trace-Id"); strings.Contains(trace, "Root=") {
		return trace
	}
	return newTrace(now)
}

// badGateway is what a function URL says of every function error; the reason is
// in the log only.
func badGateway(w http.ResponseWriter) {
	h := w.Header()
	h["Content-Type"] = jsonType
	w.WriteHeader(http.StatusBadGateway)
	_, _ = io.WriteString(w, "Internal Server Error")
}

func platformError(w http.ResponseWriter, status int, kind, body string) {
	h := w.Header()
	h["Content-Type"] = jsonType
	h["X-Amzn-Errortype"] = []string{kind}
	w.WriteHeader(status)
	_, _ = io.WriteString(w, body)
}

// Result is what an invocation with an event returned.
type Result struct {
	// Payload is what the function returned, or the error as JSON.
	Payload []byte
	// FunctionError is "Unhandled" when the function, or its start, failed; else
	// it is "".
	FunctionError string
	// Log is the last 4 KB that were logged during the invocation.
	Log string
}

// Invoke runs the function with an event, which is any JSON, and returns when
// the instance is done with it. A function that fails is no error: see Result.
// The error is ErrClosed, ErrThrottled, the context's, or says what is wrong
// with the event. When the context ends, the function runs on and its result is
// dropped.
func (f *Function) Invoke(ctx context.Context, event []byte) (Result, error) {
	if _, ok := trimValue(event); !ok {
		return Result{}, errors.New("the event is not JSON")
	}
	if len(event) > payloadMax {
		return Result{}, errors.New("the event has " + strconv.Itoa(len(event)) + " bytes and Lambda takes " + strconv.Itoa(payloadMax))
	}
	if !f.begin() {
		return Result{}, ErrClosed
	}
	results := make(chan invoked, 1)
	go func() {
		defer f.calls.Done()
		results <- f.invoke(event)
	}()
	select {
	case r := <-results:
		return r.Result, r.err
	case <-ctx.Done():
		return Result{}, context.Cause(ctx)
	}
}

type invoked struct {
	Result
	err error
}

func (f *Function) invoke(event []byte) invoked {
	var log tail
	v, out := f.run(newRequestID(), newTrace(time.Now()), event, &log)
	switch {
	case out.throttled:
		return invoked{err: ErrThrottled}
	case out.err != nil:
		return invoked{err: out.err}
	}
	if out.stream != nil {
		var err error
		out.payload, err = readAll(out.stream, -1, payloadMax)
		if err == nil {
			err = io.EOF
		}
		out.stream.finish(err)
	}
	<-v.completed
	failed := v.failed
	r := Result{Payload: out.payload, Log: log.String()}
	if failed != nil {
		r.Payload, r.FunctionError = failed.payload, "Unhandled"
	}
	return invoked{Result: r}
}

// takes is how many instances an event is given to, one after the other, when
// they end before they have read it.
const takes = 3

// run gives an event to an instance and returns the outcome. An instance that
// ends before it has read the event is replaced by another.
func (f *Function) run(id, trace string, event []byte, t *tail) (*invocation, outcome) {
	for take := 1; ; {
		v := newInvocation(id, trace, event)
		v.tail = t
		i, out := f.acquire(v)
		if i == nil {
			return v, out
		}
		if !i.assign(v) {
			continue
		}
		out = <-v.answered
		if !out.unseen {
			return v, out
		}
		if take++; take > takes {
			<-i.gone
			out.failure = exitFailure(id, i.proc.Exit())
			f.failStart(v, i, out.failure)
			return v, out
		}
	}
}
