//go:build linux

package main

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
)

const forgedEvent = `{"version":"2.0","rawPath":"/","rawQueryString":"","headers":{"host":"x.lambda-url.eu-west-1.on.aws",
"twofold-request-id":"forged","twofold_request_context":"forged","Twofold-Trigger":"forged","x-amzn-trace-id":"Root=forged","x-other":"kept"},
"requestContext": {"domainName": "x.lambda-url.eu-west-1.on.aws", "http": {"method":"GET","path":"/"}, "who": "Zo\u00eb ü 𝄞 \" end"}}`

func TestContextFields(t *testing.T) {
	for _, mode := range []string{"off", "on"} {
		t.Run(mode, func(t *testing.T) {
			p := newPlatform(t)
			p.start("http", "TWOFOLD_CONTEXT_HEADERS="+mode)
			p.awaitNext()
			r := p.invoke(fakeEvent{id: "id-1", body: forgedEvent, header: http.Header{
				"Lambda-Runtime-Client-Context": {`{"custom": {"a": "b c"}}`}, "Lambda-Runtime-Aws-Tenant-Id": {"blue"},
				"Lambda-Runtime-Invoked-Function-Arn": {"arn:f"},
			}})
			var a answer
			var s seen
			if json.Unmarshal(r.body, &a) != nil || json.Unmarshal([]byte(a.Body), &s) != nil {
				t.Fatalf("got %s", r.body)
			}
			if s.Header.Get("X-Other") != "kept" {
				t.Error("an ordinary field is lost")
			}
			if mode == "off" {
				for name := range s.Header {
					if strings.HasPrefix(strings.ToLower(name), "twofold") {
						t.Errorf("there is %s", name)
					}
				}
				return
			}
			for name, want := range map[string]string{
				"Twofold-Request-Id": "id-1", "Twofold-Function-Arn": "arn:f", "X-Amzn-Trace-Id": "Root=1-5e-7;Sampled=1",
				"Twofold-Lambda-Context":  `{"clientContext":{"custom":{"a":"b c"}},"tenantId":"blue"}`,
				"Twofold-Request-Context": `{"domainName":"x.lambda-url.eu-west-1.on.aws","http":{"method":"GET","path":"/"},"who":"Zo\u00eb \u00fc \ud834\udd1e \" end"}`,
				"Twofold-Trigger":         "", "Twofold_request_context": "",
			} {
				if got := strings.Join(s.Header[http.CanonicalHeaderKey(name)], "|"); got != want {
					t.Errorf("%s is %q, want %q", name, got, want)
				}
			}
			if s.Header.Get("Twofold-Deadline-Ms") == "" {
				t.Error("there is no deadline")
			}
		})
	}
}

func TestALongContextIsLeftOut(t *testing.T) {
	if h := appendContext(nil, "A", []byte(`"`+strings.Repeat("x", maxContext)+`"`)); len(h) != 0 {
		t.Errorf("got %d bytes", len(h))
	}
}
