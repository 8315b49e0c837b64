//go:build linux

package main

import (
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
