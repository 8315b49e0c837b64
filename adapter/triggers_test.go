package main

import (
	"strings"
	"testing"
)

const triggerTable = `[{"kind":"queue","name":"orders","source":"orders-queue","path":"/on/orders"},
{"kind":"queue","name":"bulk","source":"bulk","path":"/on/bulk","batch":"whole"},
{"kind":"object","name":"thumbs","source":"shop-uploads","path":"/on/thumbs"},
{"kind":"object","name":"uploads","source":"shop-uploads","path":"/on/uploads"},
{"kind":"schedule","name":"nightly","path":"/tasks/nightly"}]`

func TestEventsGoToThePathOfTheirTrigger(t *testing.T) {
	triggers, err := parseTriggers([]byte(triggerTable))
	if err != nil {
		t.Fatal(err)
	}
	cases := []struct{ name, event, path, kind, source, trigger, body string }{
		{"SQS, whole", `{"Records":[{"messageId":"1","body":"x","attributes":{"ApproximateReceiveCount":"1"},"eventSource":"aws:sqs","eventSourceARN":"arn:aws:sqs:us-east-2:123456789012:bulk","awsRegion":"us-east-2"}]}`,
			"/on/bulk", "queue", "bulk", "bulk", ""},
		{"SQS of no trigger", `{"Records":[{"messageId":"1","eventSource":"aws:sqs","eventSourceARN":"arn:aws:sqs:us-east-2:123456789012:other"}]}`,
			"/events", "queue", "other", "", ""},
		{"S3", `{"Records":[{"eventVersion":"2.1","eventSource":"aws:s3","eventName":"ObjectCreated:Put","s3":{"configurationId":"twofold/shop-api-prod/uploads","bucket":{"name":"shop-uploads"},"object":{"key":"a+b"}}}]}`,
			"/on/uploads", "object", "shop-uploads", "uploads", ""},
		{"S3, a notification of another name", `{"Records":[{"eventSource":"aws:s3","s3":{"configurationId":"x","bucket":{"name":"shop-uploads"}}}]}`,
			"/on/thumbs", "object", "shop-uploads", "thumbs", ""},
		{"SNS", `{"Records":[{"EventSource":"aws:sns","EventVersion":"1.0","Sns":{"TopicArn":"arn:aws:sns:us-east-1:123456789012:topic","Message":"m"}}]}`,
			"/events", "sns", "topic", "", ""},
		{"DynamoDB", `{"Records":[{"eventID":"1","eventSource":"aws:dynamodb","eventSourceARN":"arn:aws:dynamodb:us-east-1:1:table/T/stream/x"}]}`,
			"/events", "dynamodb", "arn:aws:dynamodb:us-east-1:1:table/T/stream/x", "", ""},
		{"Kinesis", `{"Records":[{"eventSource":"aws:kinesis","eventSourceARN":"arn:aws:kinesis:us-east-1:1:stream/s","kinesis":{"data":"eA=="}}]}`,
			"/events", "kinesis", "arn:aws:kinesis:us-east-1:1:stream/s", "", ""},
		{"EventBridge", `{"version":"0","id":"1","detail-type":"EC2 Instance State-change Notification","source":"aws.ec2","detail":{}}`,
			"/events", "eventbridge", "aws.ec2", "", ""},
		{"a schedule", `{"twofold":{"schedule":"nightly","time":"2026-01-02T03:00:00Z"}}`,
			"/tasks/nightly", "schedule", "nightly", "nightly", `{"schedule":"nightly","time":"2026-01-02T03:00:00Z"}`},
		{"a schedule that brings its path", `{"path":"/t?x=1","twofold":{"schedule":"other"}}`,
			"/t?x=1", "schedule", "other", "", `{"schedule":"other"}`},
		{"anything else", `{"order":1}`, "/events", "", "", "", ""},
	}
	for _, c := range cases {
		r := &request{triggers: triggers, invocation: &invocation{id: "id-1", arn: "arn:f"}}
		if err := r.fromEvent([]byte(c.event), "/events", ""); err != nil || r.batch != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		req, body := parse(t, r)
		want := c.body
		if want == "" {
			want = c.event
		}
		if req.RequestURI != c.path || string(body) != want || req.Header.Get("Twofold-Event-Kind") != c.kind || req.Header.Get("Twofold-Event-Source") != c.source ||
			req.Header.Get("Twofold-Trigger") != c.trigger || req.Header.Get("Twofold-Request-Id") != "id-1" || req.Header.Get("Twofold-Function-Arn") != "arn:f" {
			t.Errorf("%s becomes %q %q", c.name, r.head, body)
		}
	}
}

func TestMessageOfABatchBecomesARequest(t *testing.T) {
	triggers, _ := parseTriggers([]byte(triggerTable))
	r := &request{triggers: triggers}
	event := `{"Records":[{"messageId":"m1","body":"{\"a\":1}","attributes":{"ApproximateReceiveCount":"3","MessageGroupId":"g"},"messageAttributes":{"Color":{"stringValue":"red","dataType":"String"},"bad name":{"stringValue":"x"},"Evil":{"stringValue":"a\r\nX: y"}},"eventSource":"aws:sqs","eventSourceARN":"arn:aws:sqs:us-east-2:123456789012:orders-queue"},
{"messageId":"m2","body":"text","eventSource":"aws:sqs"}]}`
	if err := r.fromEvent([]byte(event), "/events", ""); err != nil || r.batch == nil {
		t.Fatal(err, r.batch)
	}
	for i, want := range []struct{ body, kind, id, attempt, color string }{{`{"a":1}`, "application/json", "m1", "3", "red"}, {"text", "text/plain; charset=utf-8", "m2", "", ""}} {
		record, ok := r.batch.records.next()
		if !ok {
			t.Fatal("no record")
		}
		r.post(&r.batch.post, stringOf(member(record, "body")), record)
		req, body := parse(t, r)
		h := req.Header
		if req.RequestURI != "/on/orders" || string(body) != want.body || h.Get("Content-Type") != want.kind || h.Get("Twofold-Message-Id") != want.id ||
			h.Get("Twofold-Attempt") != want.attempt || h.Get("Twofold-Attribute-Color") != want.color || h.Get("Twofold-Trigger") != "orders" || h.Get("X") != "" || h.Get("Twofold-Attribute-Evil") != "" {
			t.Errorf("message %d becomes %q %q", i, r.head, body)
		}
	}
}

func TestSettingsThatCannotBeRead(t *testing.T) {
	for _, bad := range []string{`{}`, `[`, `[{"kind":"queue","path":"x"}]`, `[1]`, `x`} {
		if got, err := parseTriggers([]byte(bad)); err == nil {
			t.Errorf("%s becomes %v", bad, got)
		}
	}
	for _, bad := range []string{"x", "5", "500-400", "500-", "-", "500,1000"} {
		if got, err := parseStatuses(bad); err == nil {
			t.Errorf("%s becomes %v", bad, got)
		}
	}
	s := settings{}
	var err error
	if s.errorStatuses, err = parseStatuses("500, 502-504"); err != nil {
		t.Fatal(err)
	}
	for status, want := range map[int]bool{499: false, 500: true, 501: false, 502: true, 504: true, 505: false} {
		if s.isErrorStatus(status) != want {
			t.Errorf("%d: %v", status, !want)
		}
	}
}

// FuzzRecognise checks that no event makes a head that is more than one request.
func FuzzRecognise(f *testing.F) {
	f.Add([]byte(`{"Records":[{"eventSource":"aws:sns","Sns":{"TopicArn":"a\r\nb"}}]}`))
	f.Add([]byte(`{"twofold":{"schedule":"x"},"path":"/a b\r\n"}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		r := new(request)
		if r.fromEvent(data, "/events", "") != nil || r.source != noHTTP {
			return
		}
		if strings.Count(string(r.head), "\r\n\r\n") != 1 || !strings.HasSuffix(string(r.head), "\r\n\r\n") {
			t.Fatalf("the head is %q", r.head)
		}
		parse(t, r)
	})
}
