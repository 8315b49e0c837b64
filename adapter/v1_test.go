package main

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"net/url"
	"slices"
	"strings"
	"testing"
)

// The events below have the members that the documentation of each platform shows:
// "Set up Lambda proxy integrations in API Gateway" (REST), "Working with AWS Lambda
// proxy integrations for HTTP APIs" (formats 1.0 and 2.0), "Lambda functions as
// targets" (load balancers).

const restEvent = `{"resource":"/{proxy+}","path":"/a%20b/c%2Fd","httpMethod":"POST",
"headers":{"Accept":"b","Host":"id.execute-api.eu-west-1.amazonaws.com","X-Forwarded-For":"192.0.2.1, 192.0.2.2"},
"multiValueHeaders":{"Accept":["a","b"],"Cookie":["x=1","y=2"],"Host":["id.execute-api.eu-west-1.amazonaws.com"],"X-Forwarded-For":["192.0.2.1, 192.0.2.2"]},
"queryStringParameters":{"tag":"b c","q":"1+1=2&x"},"multiValueQueryStringParameters":{"tag":["a","b c"],"q":["1+1=2&x"],"ü":[""]},
"pathParameters":{"proxy":"a b/c/d"},"stageVariables":null,
"requestContext":{"resourceId":"x","resourcePath":"/{proxy+}","httpMethod":"POST","path":"/prod/a%20b/c%2Fd","accountId":"123456789012","protocol":"HTTP/1.1","stage":"prod","domainName":"id.execute-api.eu-west-1.amazonaws.com","requestId":"r","identity":{"sourceIp":"192.0.2.1"},"apiId":"id"},
"body":"{\"a\":\"b\"}","isBase64Encoded":false}`

const httpV1Event = `{"version":"1.0","resource":"/x","path":"/a b/100%/%2F","httpMethod":"GET",
"headers":{"header1":"value1","Host":"id.execute-api.eu-west-1.amazonaws.com"},"multiValueHeaders":{"header1":["value1","value2"],"Host":["id.execute-api.eu-west-1.amazonaws.com"]},
"queryStringParameters":{"p":"2"},"multiValueQueryStringParameters":{"p":["1","2"]},
"requestContext":{"accountId":"123456789012","apiId":"id","domainName":"id.execute-api.eu-west-1.amazonaws.com","httpMethod":"GET","path":"/x","protocol":"HTTP/1.1","requestId":"r=","stage":"$default"},
"pathParameters":null,"stageVariables":null,"body":null,"isBase64Encoded":false}`

const albSingleEvent = `{"requestContext":{"elb":{"targetGroupArn":"arn:aws:elasticloadbalancing:us-east-2:123456789012:targetgroup/lambda/6d0ecf831eec9f09"}},
"httpMethod":"POST","path":"/a%20b","queryStringParameters":{"myKey":"my%20value%2B","empty":""},
"headers":{"accept":"text/html","cookie":"a=1; b=2","host":"lambda-846800462.us-east-2.elb.amazonaws.com","x-forwarded-port":"80"},
"body":"AP8=","isBase64Encoded":true}`

const albMultiEvent = `{"requestContext":{"elb":{"targetGroupArn":"arn:aws:elasticloadbalancing:us-east-2:123456789012:targetgroup/lambda/6d0ecf831eec9f09"}},
"httpMethod":"GET","path":"/","multiValueQueryStringParameters":{"myKey":["val1","val%2F2"],"%C3%BC":["+"]},
"multiValueHeaders":{"accept":["text/html","x/y"],"cookie":["a=1","b=2"],"host":["lambda.elb.amazonaws.com"]},
"body":"","isBase64Encoded":false}`

func TestEventsOfEachSourceBecomeTheirRequests(t *testing.T) {
	cases := []struct {
		name, event string
		source      source
		want        string
	}{
		{"REST API", restEvent, restAPI, "POST /a%20b/c%2Fd?tag=a&tag=b%20c&q=1%2B1%3D2%26x&%C3%BC= HTTP/1.1\r\n" +
			"Host: id.execute-api.eu-west-1.amazonaws.com\r\nAccept: a\r\nAccept: b\r\nCookie: x=1; y=2\r\nX-Forwarded-For: 192.0.2.1, 192.0.2.2\r\n" +
			"Content-Length: 9\r\n\r\n{\"a\":\"b\"}"},
		{"HTTP API, format 1.0", httpV1Event, httpAPIv1, "GET /a%20b/100%25/%2F?p=1&p=2 HTTP/1.1\r\n" +
			"Host: id.execute-api.eu-west-1.amazonaws.com\r\nheader1: value1\r\nheader1: value2\r\n\r\n"},
		{"load balancer, single values", albSingleEvent, albSingle, "POST /a%20b?myKey=my%20value%2B&empty= HTTP/1.1\r\n" +
			"Host: lambda-846800462.us-east-2.elb.amazonaws.com\r\naccept: text/html\r\ncookie: a=1; b=2\r\nx-forwarded-port: 80\r\n" +
			"Content-Length: 2\r\n\r\n\x00\xff"},
		{"load balancer, multiple values", albMultiEvent, albMulti, "GET /?myKey=val1&myKey=val%2F2&%C3%BC=+ HTTP/1.1\r\n" +
			"Host: lambda.elb.amazonaws.com\r\naccept: text/html\r\naccept: x/y\r\ncookie: a=1; b=2\r\n\r\n"},
		{"REST API, from its console", `{"path":"/","httpMethod":"GET","headers":null,"multiValueHeaders":null,"queryStringParameters":null,"multiValueQueryStringParameters":null,"requestContext":{"stage":"test-invoke-stage","domainName":"d"},"body":null}`,
			restAPI, "GET / HTTP/1.1\r\nHost: d\r\n\r\n"},
		{"load balancer's health check", `{"requestContext":{"elb":{"targetGroupArn":"a"}},"httpMethod":"GET","path":"/healthz","queryStringParameters":{},"headers":{"user-agent":"ELB-HealthChecker/2.0"},"body":"","isBase64Encoded":false}`,
			albSingle, "GET /healthz HTTP/1.1\r\nHost: localhost\r\nuser-agent: ELB-HealthChecker/2.0\r\n\r\n"},
	}
	for _, c := range cases {
		r := new(request)
		if err := r.fromEvent([]byte(c.event), "/events", ""); err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		if got := string(r.head) + string(r.body); r.source != c.source || got != c.want {
			t.Errorf("%s: source %d\n%q, want %d\n%q", c.name, r.source, got, c.source, c.want)
		}
	}
}

func TestEachSourceGetsItsAnswer(t *testing.T) {
	const raw = "HTTP/1.1 201 Created\r\nSet-Cookie: a=1\r\nVary: A\r\nset-cookie: b=2\r\nvary: B\r\nset-cookie: c=3\r\nConnection: x-a\r\nX-A: 1\r\nContent-Length: 2\r\n\r\nok"
	const body = `,"isBase64Encoded":false,"body":"ok"}`
	multi := `{"statusCode":201,"multiValueHeaders":{"Set-Cookie":["a=1","b=2","c=3"],"Vary":["A","B"],"Content-Length":["2"]}` + body
	v2 := `{"statusCode":201,"headers":{"Vary":"A, B","Content-Length":"2"},"cookies":["a=1","b=2","c=3"]` + body
	for s, want := range map[source]string{
		httpAPI: v2, functionURL: v2, restAPI: multi, httpAPIv1: multi, albMulti: multi,
		albSingle: `{"statusCode":201,"headers":{"set-cookie":"a=1","Vary":"A, B","Set-cookie":"b=2","sEt-cookie":"c=3","Content-Length":"2"}` + body,
	} {
		var r response
		r.reset(false, 0)
		b := []byte(raw)
		if done, err := r.advance(b); !done || err != nil {
			t.Fatal(done, err)
		}
		if got := string(appendAnswer(nil, &r, b, s)); got != want {
			t.Errorf("source %d: got\n%s, want\n%s", s, got, want)
		}
	}
}

// FuzzV1Event sends a request through the maps of each source and back.
func FuzzV1Event(f *testing.F) {
	f.Add("/a%20b", "k", "a b", "c&d=+;", "v\u00e9", []byte{0xff, 0}, uint8(0))
	f.Add("/", "", "", "%2F", "", []byte("text"), uint8(1))
	f.Add("/x", "\u00fc", "1", "1", "tab\there", []byte{}, uint8(2))
	f.Fuzz(func(t *testing.T, path, key, one, two, value string, body []byte, kind uint8) {
		if path = url.PathEscape(strings.ToValidUTF8(path, "")); path == "" {
			return
		}
		key, one, two, value = strings.ToValidUTF8(key, ""), strings.ToValidUTF8(one, ""), strings.ToValidUTF8(two, ""), strings.ToValidUTF8(value, "")
		m := map[string]any{"httpMethod": "PUT", "path": "/" + path, "body": base64.StdEncoding.EncodeToString(body), "isBase64Encoded": true}
		values, wantValues := []string{one, two}, []string{one, two}
		switch kind % 3 {
		case 0:
			m["requestContext"] = map[string]any{"stage": "prod"}
		case 1:
			m["requestContext"] = map[string]any{"elb": map[string]any{}}
		case 2:
			m["requestContext"] = map[string]any{"elb": map[string]any{}}
			values, wantValues = values[:1], wantValues[:1]
		}
		if kind%3 != 0 { // a load balancer does not decode
			values = slices.Clone(values)
			for i := range values {
				values[i] = url.QueryEscape(values[i])
			}
		}
		sentKey := key
		if kind%3 != 0 {
			sentKey = url.QueryEscape(key)
		}
		if kind%3 == 2 {
			m["queryStringParameters"], m["headers"] = map[string]string{sentKey: values[0]}, map[string]string{"x-a": value, "host": "h"}
		} else {
			m["multiValueQueryStringParameters"] = map[string][]string{sentKey: values}
			m["multiValueHeaders"] = map[string][]string{"x-a": {value, "2"}, "host": {"h"}}
		}
		data, err := json.Marshal(m)
		if err != nil {
			t.Fatal(err)
		}
		r := new(request)
		if err := r.fromEvent(data, "/events", ""); err != nil {
			t.Fatalf("%s: %v", data, err)
		}
		if !bytes.Equal(r.body, body) {
			t.Fatalf("the body is %q, want %q", r.body, body)
		}
		req, _ := parse(t, r)
		if req.URL.EscapedPath() != "/"+path {
			t.Fatalf("the path is %q, want %q", req.URL.EscapedPath(), "/"+path)
		}
		query, err := url.ParseQuery(req.URL.RawQuery)
		if err != nil || !slices.Equal(query[key], wantValues) {
			t.Fatalf("the query is %q (%v), want %q=%q", req.URL.RawQuery, err, key, wantValues)
		}
		if isFieldValue(value) && req.Header.Get("X-A") != strings.Trim(value, " \t") {
			t.Fatalf("x-a is %q, want %q", req.Header["X-A"], value)
		}
	})
}
