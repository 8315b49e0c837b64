package queue

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"golang.org/x/net/http/httpguts"
)

// bodyField is the field of an entry that holds the message; the others are its
// attributes.
const bodyField = "body"

// content returns the body of a message and its attributes. An entry without a body is
// one that holds its fields as a JSON object.
func (m message) content() (body string, attributes map[string]string) {
	attributes = map[string]string{}
	for n := 0; n+1 < len(m.fields); n += 2 {
		attributes[m.fields[n]] = m.fields[n+1]
	}
	if body, ok := attributes[bodyField]; ok {
		delete(attributes, bodyField)
		return body, attributes
	}
	return string(encode(attributes)), nil
}

func encode(v any) []byte {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.Encode(v) // of strings and maps of them
	return bytes.TrimSuffix(b.Bytes(), []byte("\n"))
}

// record is a message in the form that functions get those of SQS in, as far as a
// stream has it. Source: "Using Lambda with Amazon SQS",
// https://docs.aws.amazon.com/lambda/latest/dg/with-sqs.html
type record struct {
	MessageID         string               `json:"messageId"`
	Body              string               `json:"body"`
	Attributes        map[string]string    `json:"attributes"`
	MessageAttributes map[string]attribute `json:"messageAttributes"`
	EventSource       string               `json:"eventSource"`
	EventSourceARN    string               `json:"eventSourceARN"`
}

type attribute struct {
	StringValue string `json:"stringValue"`
	DataType    string `json:"dataType"`
}

// eventSource and arn name the form of a record: apps tell by them what an event is, and
// which queue it is from.
const (
	eventSource = "aws:sqs"
	arn         = "arn:aws:sqs:::"
)

func (q Queue) record(m message) record {
	body, attributes := m.content()
	sent, _, _ := strings.Cut(m.id, "-")
	r := record{
		MessageID: m.id, Body: body,
		Attributes:        map[string]string{"ApproximateReceiveCount": strconv.Itoa(m.attempt), "SentTimestamp": sent},
		MessageAttributes: map[string]attribute{}, EventSource: eventSource, EventSourceARN: arn + q.Source,
	}
	for name, value := range attributes {
		r.MessageAttributes[name] = attribute{StringValue: value, DataType: "String"}
	}
	return r
}

// requestOfOne is a message as a request, the same that the adapter makes of it in a
// function.
func (q Queue) requestOfOne(ctx context.Context, m message) (*http.Request, error) {
	body, attributes := m.content()
	r, err := q.request(ctx, []byte(body))
	if err != nil {
		return nil, err
	}
	if !json.Valid([]byte(body)) {
		r.Header.Set("Content-Type", "text/plain; charset=utf-8")
	}
	r.Header.Set("Twofold-Message-Id", m.id)
	r.Header.Set("Twofold-Attempt", strconv.Itoa(m.attempt))
	for name, value := range attributes {
		if httpguts.ValidHeaderFieldName(name) && value != "" && httpguts.ValidHeaderFieldValue(value) {
			r.Header.Set("Twofold-Attribute-"+name, value)
		}
	}
	return r, nil
}

// requestOfAll is a batch as one request.
func (q Queue) requestOfAll(ctx context.Context, batch []message) (*http.Request, error) {
	event := struct {
		Records []record `json:"Records"`
	}{}
	for _, m := range batch {
		event.Records = append(event.Records, q.record(m))
	}
	return q.request(ctx, encode(event))
}

func (q Queue) request(ctx context.Context, body []byte) (*http.Request, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://localhost"+q.Path, bytes.NewReader(body))
	if err != nil {
		return nil, fmt.Errorf("its path %q is no path", q.Path)
	}
	r.RequestURI = q.Path
	r.RemoteAddr = "127.0.0.1:0"
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Twofold-Event-Kind", "queue")
	r.Header.Set("Twofold-Event-Source", q.Source)
	r.Header.Set("Twofold-Trigger", q.Name)
	return r, nil
}

// answerMax is the size in bytes up to which an answer is read.
const answerMax = 1 << 20

// post hands a request to the app, and returns the body of an answer of 2xx.
func (q Queue) post(app http.Handler, r *http.Request) (body []byte, err error) {
	w := &answer{header: make(http.Header)}
	defer func() {
		// So a proxy says that an answer was cut off.
		if p := recover(); p == http.ErrAbortHandler {
			err = fmt.Errorf("POST %s: the answer was cut off", q.Path)
		} else if p != nil {
			panic(p)
		}
	}()
	app.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), http.ServerContextKey, &http.Server{})))
	if w.status/100 != 2 {
		return nil, fmt.Errorf("POST %s answered %d, and 2xx means done", q.Path, w.status)
	}
	if w.body.Len() > answerMax {
		return nil, fmt.Errorf("POST %s answered with more than %d bytes", q.Path, answerMax)
	}
	return w.body.Bytes(), nil
}

// answer is a http.ResponseWriter that keeps what it is told.
type answer struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func (w *answer) Header() http.Header { return w.header }

func (w *answer) WriteHeader(status int) {
	if w.status == 0 && status >= http.StatusOK { // 1xx come before the answer
		w.status = status
	}
}

func (w *answer) Write(p []byte) (int, error) {
	w.WriteHeader(http.StatusOK)
	if w.body.Len() <= answerMax {
		w.body.Write(p)
	}
	return len(p), nil
}

func (w *answer) Flush() {}

// errListed is a message that the app names in batchItemFailures.
var errListed = errors.New("the app lists it in batchItemFailures")

// failures returns which messages of a batch failed, by what the app answered with 2xx.
// As on AWS, an empty id or one that is not of the batch means that all did. Source:
// "Implementing partial batch responses",
// https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html
func failures(body []byte, batch []message) map[string]error {
	failed := map[string]error{}
	var a struct {
		List json.RawMessage `json:"batchItemFailures"`
	}
	if json.Unmarshal(body, &a) != nil || a.List == nil {
		return failed // it speaks of something else
	}
	all := func(why string) map[string]error {
		for _, m := range batch {
			failed[m.id] = errors.New("batchItemFailures of the app's answer " + why + ", so all of the batch counts as failed")
		}
		return failed
	}
	var list []struct {
		ID string `json:"itemIdentifier"`
	}
	if json.Unmarshal(a.List, &list) != nil {
		return all("is no list of objects with itemIdentifier")
	}
	known := map[string]bool{}
	for _, m := range batch {
		known[m.id] = true
	}
	for _, one := range list {
		if !known[one.ID] {
			return all("names a message that is not of the batch")
		}
		failed[one.ID] = errListed
	}
	return failed
}
