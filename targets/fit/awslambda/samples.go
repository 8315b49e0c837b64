package awslambda

import (
	"encoding/json"
	"strings"

	"github.com/twofoldhq/twofold/targets"
)

// The account and the region of sample events. The account is AWS's own example.
const (
	sampleAccount = "123456789012"
	sampleRegion  = "eu-west-1"
	sampleTime    = "2026-01-01T03:00:00Z"
)

type object = map[string]any

// Samples are events as AWS hands them over: a request, and one for each trigger and
// schedule of the deployment. They hold what the adapter and an app can see; their
// ids are made up. Source: "Invoking Lambda with events from other AWS services",
// https://docs.aws.amazon.com/lambda/latest/dg/lambda-services.html
func Samples(d targets.Deployment) []targets.Sample {
	list := []targets.Sample{{Name: "http", Event: event(request(d))}}
	for _, t := range d.Triggers {
		one := targets.Sample{Name: t.Kind + ":" + t.Name}
		if t.Kind == targets.TriggerQueue {
			one.Event = event(messages(t))
		} else {
			one.Event = event(change(t))
		}
		list = append(list, one)
	}
	for _, s := range d.Schedules {
		list = append(list, targets.Sample{Name: "schedule:" + s.Name, Event: event(object{
			"twofold": object{"schedule": s.Name, "time": sampleTime}, "path": s.Path,
		})})
	}
	return list
}

func event(o object) []byte {
	b, err := json.MarshalIndent(o, "", "  ")
	if err != nil {
		return nil // it holds strings and numbers only
	}
	return b
}

// request is a GET of the health path through a function URL.
func request(d targets.Deployment) object {
	path := d.Health
	if path == "" {
		path = "/"
	}
	const host = "sample.lambda-url." + sampleRegion + ".on.aws"
	return object{
		"version": "2.0", "routeKey": "$default", "rawPath": path, "rawQueryString": "", "isBase64Encoded": false,
		"headers": object{"host": host, "user-agent": "twofold", "x-forwarded-proto": "https", "x-forwarded-port": "443"},
		"requestContext": object{
			"accountId": "anonymous", "apiId": "sample", "domainName": host, "domainPrefix": "sample", "requestId": "00000000-0000-4000-8000-000000000000",
			"routeKey": "$default", "stage": "$default", "time": "01/Jan/2026:03:00:00 +0000", "timeEpoch": 1767236400000,
			"http": object{"method": "GET", "path": path, "protocol": "HTTP/1.1", "sourceIp": "192.0.2.1", "userAgent": "twofold"},
		},
	}
}

// messages is one message of a queue.
func messages(t targets.Trigger) object {
	arn := t.Source
	if !strings.HasPrefix(arn, "arn:") {
		arn = "arn:aws:sqs:" + sampleRegion + ":" + sampleAccount + ":" + t.Source
	}
	attributes := object{"ApproximateReceiveCount": "1", "SentTimestamp": "1767236400000", "SenderId": "AIDASAMPLE", "ApproximateFirstReceiveTimestamp": "1767236400001"}
	if strings.HasSuffix(arn, ".fifo") {
		attributes["MessageGroupId"], attributes["MessageDeduplicationId"], attributes["SequenceNumber"] = "sample", "sample", "1"
	}
	return object{"Records": []object{{
		"messageId": "00000000-0000-4000-8000-000000000001", "receiptHandle": "sample", "body": `{"sample": true}`,
		"attributes": attributes, "messageAttributes": object{}, "md5OfBody": "60f03d93780933145a92a9d7bc38d709",
		"eventSource": "aws:sqs", "eventSourceARN": arn, "awsRegion": sampleRegion,
	}}}
}

// change is one object that was stored, or removed where only that fires.
func change(t targets.Trigger) object {
	name := "ObjectCreated:Put"
	if !t.Created {
		name = "ObjectRemoved:Delete"
	}
	return object{"Records": []object{{
		"eventVersion": "2.1", "eventSource": "aws:s3", "awsRegion": sampleRegion, "eventTime": sampleTime, "eventName": name,
		"userIdentity": object{"principalId": "AWS:SAMPLE"}, "requestParameters": object{"sourceIPAddress": "192.0.2.1"},
		"responseElements": object{"x-amz-request-id": "SAMPLE", "x-amz-id-2": "sample"},
		"s3": object{
			"s3SchemaVersion": "1.0", "configurationId": t.Name,
			"bucket": object{"name": t.Source, "ownerIdentity": object{"principalId": "SAMPLE"}, "arn": "arn:aws:s3:::" + t.Source},
			"object": object{"key": t.Prefix + "sample" + t.Suffix, "size": 1024, "eTag": "d41d8cd98f00b204e9800998ecf8427e", "sequencer": "0A1B2C3D4E5F678901"},
		},
	}}}
}
