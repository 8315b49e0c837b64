package function

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// seen is what a client gets to see of an answer.
type seen struct {
	Status  int
	Headers map[string][]string
	Body    string
}

// answerTo serves a payload to a client and returns what it sees, without the
// headers that all answers have.
func answerTo(t testing.TB, method, payload string) seen {
	t.Helper()
	f := newFunction(t, each(func(*fakeRuntime, fakeEvent) string { return payload }))
	request, _ := http.NewRequest(method, serve(t, f).URL, nil)
	client := &http.Client{
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport:     &http.Transport{DisableCompression: true},
	}
	response, err := client.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"Date", "X-Amzn-Requestid", "X-Amzn-Trace-Id"} {
		if response.Header.Get(name) == "" {
			t.Errorf("no %s", name)
		}
		response.Header.Del(name)
	}
	return seen{response.StatusCode, response.Header, string(body)}
}

func TestAnswers(t *testing.T) {
	type h = map[string][]string
	badGateway := seen{502, h{"Content-Type": {"application/json"}, "Content-Length": {"21"}}, "Internal Server Error"}
	for _, test := range []struct {
		name, method, payload string
		want                  seen
	}{
		// These were recorded from live function URLs.
		{"an object", "POST", `{"hello":"world"}`, seen{200, h{"Content-Type": {"application/json"}, "Content-Length": {"17"}}, `{"hello":"world"}`}},
		{"an answer", "POST", `{"statusCode":200,"body":"body123"}`, seen{200, h{"Content-Type": {"application/json"}, "Content-Length": {"7"}}, "body123"}},
		{"an answer with JSON", "POST", `{"statusCode":200,"body":"{\"hello\": \"world\"}"}`, seen{200, h{"Content-Type": {"application/json"}, "Content-Length": {"18"}}, `{"hello": "world"}`}},
		{"a list", "POST", `["hello", 3, true]`, seen{200, h{"Content-Type": {"application/json"}, "Content-Length": {"18"}}, `["hello", 3, true]`}},
		{"a string", "POST", `"hello"`, seen{200, h{"Content-Type": {"application/json"}, "Content-Length": {"5"}}, "hello"}},
		{"a number", "POST", `3.1`, seen{200, h{"Content-Type": {"application/json"}, "Content-Length": {"3"}}, "3.1"}},
		{"a boolean", "POST", `true`, seen{200, h{"Content-Type": {"application/json"}, "Content-Length": {"4"}}, "true"}},
		{"a status as a string", "POST", `{"statusCode":"418","body":"i'm a teapot"}`, seen{418, h{"Content-Type": {"application/json"}, "Content-Length": {"12"}}, "i'm a teapot"}},

		{"space around it", "GET", " \n{\"statusCode\" : 201 , \"body\" : \"x\"}\n", seen{201, h{"Content-Type": {"application/json"}, "Content-Length": {"1"}}, "x"}},
		{"no body", "GET", `{"statusCode":200}`, seen{200, h{"Content-Type": {"application/json"}, "Content-Length": {"0"}}, ""}},
		{"nulls", "GET", `{"statusCode":200,"headers":null,"cookies":null,"body":null,"isBase64Encoded":null}`, seen{200, h{"Content-Type": {"application/json"}, "Content-Length": {"0"}}, ""}},
		{"headers", "GET", `{"statusCode":200,"headers":{"content-type":"text/html","x-n":5,"x-b":true,"x-null":null,"x-e":"caf\u00e9"},"body":"x"}`,
			seen{200, h{"Content-Type": {"text/html"}, "Content-Length": {"1"}, "X-N": {"5"}, "X-B": {"true"}, "X-E": {"café"}}, "x"}},
		{"headers of the connection", "GET", `{"statusCode":200,"headers":{"Connection":"close","transfer-encoding":"chunked","keep-alive":"1","content-length":"99"},"body":"x"}`,
			seen{200, h{"Content-Type": {"application/json"}, "Content-Length": {"1"}}, "x"}},
		{"cookies", "GET", `{"statusCode":200,"cookies":["a=1; Path=/","b=2"],"headers":{"set-cookie":"c=3"},"body":""}`,
			seen{200, h{"Content-Type": {"application/json"}, "Content-Length": {"0"}, "Set-Cookie": {"c=3", "a=1; Path=/", "b=2"}}, ""}},
		{"many values are for others", "GET", `{"statusCode":200,"multiValueHeaders":{"x-a":["1","2"]},"body":""}`,
			seen{200, h{"Content-Type": {"application/json"}, "Content-Length": {"0"}}, ""}},
		{"base64", "GET", `{"statusCode":200,"headers":{"content-type":"image/png"},"isBase64Encoded":true,"body":"AAH+\/w=="}`,
			seen{200, h{"Content-Type": {"image/png"}, "Content-Length": {"4"}}, "\x00\x01\xfe\xff"}},
		{"a body that is an object", "GET", `{"statusCode":200,"body":{"a": 1}}`, seen{200, h{"Content-Type": {"application/json"}, "Content-Length": {"8"}}, `{"a": 1}`}},
		{"a redirect", "GET", `{"statusCode":302,"headers":{"location":"/there"},"body":""}`,
			seen{302, h{"Content-Type": {"application/json"}, "Content-Length": {"0"}, "Location": {"/there"}}, ""}},
		{"204", "GET", `{"statusCode":204,"body":"ignored"}`, seen{204, h{}, ""}},
		{"304", "GET", `{"statusCode":304,"headers":{"etag":"\"x\""},"body":""}`, seen{304, h{"Etag": {`"x"`}}, ""}},
		{"HEAD", "HEAD", `{"statusCode":200,"headers":{"content-type":"text/html","content-length":"1234"},"body":""}`,
			seen{200, h{"Content-Type": {"text/html"}, "Content-Length": {"1234"}}, ""}},
		{"HEAD with a body", "HEAD", `{"statusCode":200,"headers":{"content-type":"text/html"},"body":"abc"}`,
			seen{200, h{"Content-Type": {"text/html"}, "Content-Length": {"3"}}, ""}},

		{"no JSON", "GET", `{"statusCode":200`, badGateway},
		{"nothing", "GET", ``, badGateway},
		{"a status that is none", "GET", `{"statusCode":"ok"}`, badGateway},
		{"a status too low", "GET", `{"statusCode":99}`, badGateway},
		{"an informational status", "GET", `{"statusCode":101}`, badGateway},
		{"a status too high", "GET", `{"statusCode":1000}`, badGateway},
		{"a fraction", "GET", `{"statusCode":200.5}`, badGateway},
		{"no base64", "GET", `{"statusCode":200,"isBase64Encoded":true,"body":"?"}`, badGateway},
		{"an odd flag", "GET", `{"statusCode":200,"isBase64Encoded":"true","body":""}`, badGateway},
		{"headers as a list", "GET", `{"statusCode":200,"headers":["a"]}`, badGateway},
		{"a header with values", "GET", `{"statusCode":200,"headers":{"a":["b"]}}`, badGateway},
		{"cookies as a string", "GET", `{"statusCode":200,"cookies":"a=b"}`, badGateway},
		{"a cookie as a number", "GET", `{"statusCode":200,"cookies":[1]}`, badGateway},
	} {
		t.Run(test.name, func(t *testing.T) {
			if diff := cmp.Diff(test.want, answerTo(t, test.method, test.payload)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestHeaderWithALineBreakSplitsNothing(t *testing.T) {
	got := answerTo(t, "GET", `{"statusCode":200,"headers":{"x-a":"1\r\nx-injected: 2","bad name":"3"},"body":""}`)
	if got.Headers["X-Injected"] != nil || got.Status != 200 || len(got.Headers["X-A"]) != 1 || strings.ContainsAny(got.Headers["X-A"][0], "\r\n") {
		t.Errorf("got %+v", got)
	}
}

// FuzzAnswer checks that no answer brings the server down, and that what is
// written is well-formed.
func FuzzAnswer(f *testing.F) {
	for _, seed := range []string{
		`{"statusCode":200,"headers":{"a":"b","content-length":"5"},"cookies":["x=y"],"body":"eA==","isBase64Encoded":true}`,
		`{"statusCode":"204","body":{}}`, `"text"`, `null`, `{"statusCode":null}`, `{"statusCode":200,"headers":{"":"", "\u0000":"\n"},"cookies":["\r\n"]}`,
		`{"body":"x"}`, "{\"statusCode\":200,\"multiValueHeaders\":{\"a\":[\"b\"]}}",
	} {
		f.Add([]byte(seed), true)
		f.Add([]byte(seed), false)
	}
	f.Fuzz(func(t *testing.T, payload []byte, head bool) {
		method := "GET"
		if head {
			method = "HEAD"
		}
		r := httptest.NewRequest(method, "/", nil)
		if a, err := decodeAnswer(payload); err == nil {
			w := httptest.NewRecorder()
			a.write(w, r)
			if w.Code < 200 || w.Code > 599 || (head && w.Body.Len() > 0) {
				t.Errorf("got %d with %d bytes", w.Code, w.Body.Len())
			}
			if !json.Valid(payload) {
				t.Error("an answer that is not JSON is accepted")
			}
		}
		if a, err := decodePrelude(payload); err == nil {
			a.writeStreamHead(httptest.NewRecorder(), r)
		}
	})
}
