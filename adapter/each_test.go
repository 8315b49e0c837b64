//go:build linux

package main

import (
	"encoding/base64"
	"encoding/json"
	"strings"
	"testing"
	"time"
)

func sqsEvent(queue string, messages ...[2]string) string {
	var records []map[string]any
	for i, m := range messages {
		records = append(records, map[string]any{"messageId": "m" + itoa(i), "body": m[1], "attributes": map[string]string{"MessageGroupId": m[0]},
			"eventSource": "aws:sqs", "eventSourceARN": "arn:aws:sqs:us-east-2:123456789012:" + queue})
	}
	data, _ := json.Marshal(map[string]any{"Records": records})
	return string(data)
}

func TestMessagesThatFailAreReported(t *testing.T) {
	cases := []struct {
		name, queue string
		messages    [][2]string
		failed      string
	}{
		{"none", "orders", [][2]string{{"", "a"}, {"", "b"}}, ""},
		{"one of a standard queue", "orders", [][2]string{{"g", "a"}, {"g", "refuse"}, {"g", "c"}}, "m1"},
		{"what follows in its group of a FIFO queue", "orders.fifo", [][2]string{{"g", "refuse"}, {"h", "b"}, {"g", "c"}}, "m0 m2"},
	}
	p := newPlatform(t)
	p.start("http", `TWOFOLD_TRIGGERS=[{"kind":"queue","name":"a","source":"orders","path":"/events"},{"kind":"queue","name":"b","source":"orders.fifo","path":"/events"},{"kind":"queue","name":"c","source":"dies","path":"/exit"},{"kind":"queue","name":"d","source":"hangs","path":"/hang"}]`)
	report := func(e fakeEvent) string {
		p.awaitNext()
		r := p.invoke(e)
		var answer struct {
			BatchItemFailures []struct{ ItemIdentifier string } `json:"batchItemFailures"`
		}
		if err := json.Unmarshal(r.body, &answer); err != nil || !strings.HasSuffix(r.path, "/response") || answer.BatchItemFailures == nil {
			t.Fatalf("the adapter reported %s %s: %v", r.path, r.body, err)
		}
		var ids []string
		for _, f := range answer.BatchItemFailures {
			ids = append(ids, f.ItemIdentifier)
		}
		return strings.Join(ids, " ")
	}
	for _, c := range cases {
		if got := report(fakeEvent{body: sqsEvent(c.queue, c.messages...)}); got != c.failed {
			t.Errorf("%s: %q failed, want %q", c.name, got, c.failed)
		}
	}
	if got := report(fakeEvent{body: sqsEvent("dies", [2]string{"", "a"}, [2]string{"", "b"})}); got != "m0 m1" {
		t.Errorf("of an app that ends, %q failed", got)
	}
	if got := report(fakeEvent{body: sqsEvent("hangs", [2]string{"", "a"}, [2]string{"", "b"}), deadline: time.Now().Add(2 * time.Second)}); got != "m0 m1" {
		t.Errorf("of an app that hangs, %q failed", got)
	}
	p.awaitNext()
	if a := p.request("GET", "/", ""); a.StatusCode != 200 {
		t.Errorf("afterwards the answer is %+v", a)
	}
}

func TestErrorStatusFailsTheInvocation(t *testing.T) {
	p := newPlatform(t)
	p.start("http", "TWOFOLD_ERROR_STATUSES=413,500-599")
	p.awaitNext()
	r := p.fails(errorStatus, "POST", "/early", "x", time.Time{})
	if !strings.Contains(r.failure.ErrorMessage, "413") {
		t.Errorf("the message is %q", r.failure.ErrorMessage)
	}
}

func TestRecordsOfStreamsAreSentInOrder(t *testing.T) {
	kinesis := func(data ...string) string {
		var records []map[string]any
		for i, d := range data {
			records = append(records, map[string]any{"eventSource": "aws:kinesis", "eventID": "shard:" + itoa(i),
				"eventSourceARN": "arn:aws:kinesis:eu-west-1:123456789012:stream/clicks",
				"kinesis":        map[string]any{"partitionKey": "p", "sequenceNumber": "4959" + itoa(i), "data": base64.StdEncoding.EncodeToString([]byte(d))}})
		}
		e, _ := json.Marshal(map[string]any{"Records": records})
		return string(e)
	}
	dynamodb := func(data ...string) string {
		var records []map[string]any
		for i, d := range data {
			records = append(records, map[string]any{"eventSource": "aws:dynamodb", "eventID": itoa(i), "eventName": "INSERT",
				"eventSourceARN": "arn:aws:dynamodb:eu-west-1:123456789012:table/orders/stream/2026-01-01T00:00:00.000",
				"dynamodb":       map[string]any{"SequenceNumber": "11" + itoa(i), "NewImage": map[string]any{"id": map[string]string{"S": d}}}})
		}
		e, _ := json.Marshal(map[string]any{"Records": records})
		return string(e)
	}
	p := newPlatform(t)
	p.start("http", `TWOFOLD_TRIGGERS=[{"kind":"kinesis","name":"clicks","source":"arn:aws:kinesis:eu-west-1:123456789012:stream/clicks","path":"/print-event"},
		{"kind":"dynamodb","name":"rows","source":"arn:aws:dynamodb:eu-west-1:123456789012:table/orders/stream/2026-01-01T00:00:00.000","path":"/print-event"}]`)
	for _, c := range []struct{ name, event, want string }{
		{"all taken", kinesis("a", `{"b":1}`), `{"batchItemFailures":[]}`},
		{"nothing is sent behind the one that failed", kinesis("c", "refuse", "never"), `{"batchItemFailures":[{"itemIdentifier":"49591"}]}`},
		{"of a table", dynamodb("d", "refuse", "never"), `{"batchItemFailures":[{"itemIdentifier":"111"}]}`},
	} {
		p.awaitNext()
		if r := p.invoke(fakeEvent{body: c.event}); string(r.body) != c.want {
			t.Errorf("%s: got %s, want %s", c.name, r.body, c.want)
		}
	}
	p.awaitNext()
	for _, want := range []string{
		`kinesis shard:0 p 49590 text/plain; charset=utf-8 a`, `kinesis shard:1 p 49591 application/json {"b":1}`,
		`dynamodb 0  110 application/json {"dynamodb":{"NewImage":{"id":{"S":"d"}},"SequenceNumber":"110"}`,
	} {
		if !strings.Contains(p.stdout.all(), want) {
			t.Errorf("the app did not get %s but\n%s", want, p.stdout.all())
		}
	}
	if strings.Contains(p.stdout.all(), "never") {
		t.Error("a record behind the one that failed was sent")
	}
}

func TestARecordThatIsNotWholeFailsTheInvocation(t *testing.T) {
	p := newPlatform(t)
	p.start("http", `TWOFOLD_TRIGGERS=[{"kind":"kinesis","name":"clicks","source":"arn:aws:kinesis:eu-west-1:123456789012:stream/clicks","path":"/print-event"}]`)
	p.awaitNext()
	r := p.invoke(fakeEvent{body: `{"Records":[{"eventSource":"aws:kinesis","eventSourceARN":"arn:aws:kinesis:eu-west-1:123456789012:stream/clicks","kinesis":{}}]}`})
	r.mustBe(t, "/error", eventInvalid)
}
