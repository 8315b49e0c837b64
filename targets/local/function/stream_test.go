package function

import (
	"bufio"
	"encoding/base64"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/twofoldhq/twofold/targets/local/sandbox"
)

const separator = "\x00\x00\x00\x00\x00\x00\x00\x00"

// streamTo answers an event with a streamed body; the trailers are read when it
// has ended.
func (r *fakeRuntime) streamTo(id, contentType string, body io.Reader, trailer http.Header) (int, error) {
	request, err := http.NewRequestWithContext(r.ctx, "POST",
		"http://"+r.env["AWS_LAMBDA_RUNTIME_API"]+runtimePrefix+"invocation/"+id+"/response", body)
	if err != nil {
		return 0, err
	}
	request.ContentLength = -1
	request.Header.Set("Lambda-Runtime-Function-Response-Mode", "streaming")
	request.Header.Set("Content-Type", contentType)
	request.Trailer = trailer
	response, err := r.client.Do(request)
	if err != nil {
		return 0, err
	}
	defer response.Body.Close()
	_, _ = io.Copy(io.Discard, response.Body)
	return response.StatusCode, nil
}

// streams answers each event with the same streamed text.
func streams(contentType, text string, trailer http.Header) func(r *fakeRuntime) sandbox.Exit {
	return func(r *fakeRuntime) sandbox.Exit {
		for {
			e := r.next()
			if e.id == "" {
				return sandbox.Exit{}
			}
			if _, err := r.streamTo(e.id, contentType, strings.NewReader(text), trailer); err != nil {
				return sandbox.Exit{}
			}
		}
	}
}

func TestStreamedAnswers(t *testing.T) {
	type h = map[string][]string
	for _, test := range []struct {
		name, contentType, text string
		want                    seen
	}{
		{"with a prelude", integrationType, `{"statusCode":201,"headers":{"content-type":"text/html","x-a":"1"},"cookies":["a=b","c=d"]}` + separator + "hello",
			seen{201, h{"Content-Type": {"text/html"}, "X-A": {"1"}, "Set-Cookie": {"a=b", "c=d"}}, "hello"}},
		{"many values", integrationType, `{"statusCode":200,"multiValueHeaders":{"set-cookie":["a=b","c=d"],"content-type":["text/html"]}}` + separator + "x",
			seen{200, h{"Content-Type": {"text/html"}, "Set-Cookie": {"a=b", "c=d"}}, "x"}},
		{"an empty prelude", integrationType, `{}` + separator + "x", seen{200, h{"Content-Type": {"application/octet-stream"}}, "x"}},
		{"an empty body", integrationType, `{"statusCode":200,"headers":{"content-type":"text/html"}}` + separator, seen{200, h{"Content-Type": {"text/html"}, "Content-Length": {"0"}}, ""}},
		{"NULs in the body", integrationType, `{}` + separator + separator + "x", seen{200, h{"Content-Type": {"application/octet-stream"}}, separator + "x"}},
		{"without a prelude", "text/event-stream", "data: 1\n\n", seen{200, h{"Content-Type": {"text/event-stream"}}, "data: 1\n\n"}},
		{"no separator", integrationType, `{"statusCode":200}`, seen{502, h{"Content-Type": {"application/json"}, "Content-Length": {"21"}}, "Internal Server Error"}},
		{"no JSON", integrationType, `hello` + separator, seen{502, h{"Content-Type": {"application/json"}, "Content-Length": {"21"}}, "Internal Server Error"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			f := newFunction(t, streams(test.contentType, test.text, nil))
			response, body := get(t, serve(t, f).URL)
			for _, name := range []string{"Date", "X-Amzn-Requestid", "X-Amzn-Trace-Id"} {
				response.Header.Del(name)
			}
			if body == "" {
				// Whether the length of nothing is said depends on when the end is known.
				response.Header.Set("Content-Length", "0")
			}
			if diff := cmp.Diff(test.want, seen{response.StatusCode, response.Header, body}); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			// The instance is there for the next one.
			if again, _ := get(t, serve(t, f).URL); again.StatusCode != test.want.Status {
				t.Errorf("the next request got %s", again.Status)
			}
			if s := f.Stats(); s.ColdStarts != 1 {
				t.Errorf("stats: %+v", s)
			}
		})
	}
}

func TestStreamIsPassedOnAsItComes(t *testing.T) {
	reader, writer := io.Pipe()
	f := newFunction(t, func(r *fakeRuntime) sandbox.Exit {
		e := r.next()
		_, _ = r.streamTo(e.id, integrationType, reader, nil)
		r.next()
		return sandbox.Exit{}
	})
	go io.WriteString(writer, `{"statusCode":200,"headers":{"content-type":"text/event-stream"}}`+separator)
	response, err := http.Get(serve(t, f).URL)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	lines := bufio.NewReader(response.Body)
	for _, line := range []string{"one\n", "two\n", "three\n"} {
		if _, err := io.WriteString(writer, line); err != nil {
			t.Fatal(err)
		}
		if got, err := lines.ReadString('\n'); got != line {
			t.Fatalf("got %q, %v, want %q before the next is sent", got, err, line)
		}
	}
	writer.Close()
	if rest, err := io.ReadAll(lines); err != nil || len(rest) > 0 {
		t.Errorf("rest: %q, %v", rest, err)
	}
}

func TestStreamThatFailsMidwayIsNotWhole(t *testing.T) {
	trailer := http.Header{
		"Lambda-Runtime-Function-Error-Type": {"Runtime.StreamBroke"},
		"Lambda-Runtime-Function-Error-Body": {base64.StdEncoding.EncodeToString([]byte(`{"errorMessage":"broke"}`))},
	}
	var log syncBuffer
	f := newFunction(t, streams(integrationType, `{}`+separator+"half", trailer), func(c *Config) { c.Log = &log })
	response, err := http.Get(serve(t, f).URL)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if body, err := io.ReadAll(response.Body); !errors.Is(err, io.ErrUnexpectedEOF) || string(body) != "half" {
		t.Errorf("got %q, %v", body, err)
	}
	await(t, "the report", func() bool { return strings.Contains(log.String(), "Status: error\tError Type: Runtime.StreamBroke\n") })

	result, err := f.Invoke(t.Context(), []byte(`{}`))
	if err != nil || result.FunctionError != "Unhandled" || string(result.Payload) != `{"errorMessage":"broke"}` {
		t.Errorf("got %+v, %v", result, err)
	}
}

func TestStreamOfAnInstanceThatEndsMidway(t *testing.T) {
	for _, test := range []struct {
		name string
		end  func(r *fakeRuntime)
		want string
	}{
		{"it exits", func(*fakeRuntime) {}, "Error Type: Runtime.ExitError\n"},
		{"its time is over", func(r *fakeRuntime) { <-r.ctx.Done() }, "Status: timeout\n"},
	} {
		t.Run(test.name, func(t *testing.T) {
			var log syncBuffer
			reader, writer := io.Pipe()
			f := newFunction(t, func(r *fakeRuntime) sandbox.Exit {
				e := r.next()
				go func() { _, _ = r.streamTo(e.id, integrationType, reader, nil) }()
				_, _ = io.WriteString(writer, `{}`+separator+"half")
				<-r.terminated
				test.end(r)
				return sandbox.Exit{Code: 1}
			}, func(c *Config) { c.Log, c.Timeout = &log, 300*time.Millisecond })
			response, err := http.Get(serve(t, f).URL)
			if err != nil {
				t.Fatal(err)
			}
			defer response.Body.Close()
			if _, err := io.ReadFull(response.Body, make([]byte, 4)); err != nil {
				t.Fatal(err)
			}
			f.mu.Lock()
			for i := range f.instances {
				_ = i.proc.Terminate()
			}
			f.mu.Unlock()
			if _, err := io.ReadAll(response.Body); err == nil {
				t.Error("the client takes the answer for whole")
			}
			await(t, "the report", func() bool { return strings.Contains(log.String(), test.want) })
			await(t, "no instance", func() bool { return f.Stats().Instances == 0 })
		})
	}
}

func TestInvokeReturnsTheBytesOfAStream(t *testing.T) {
	f := newFunction(t, streams(integrationType, `{}`+separator+"hello", nil))
	result, err := f.Invoke(t.Context(), []byte(`{}`))
	if err != nil || string(result.Payload) != `{}`+separator+"hello" || result.FunctionError != "" {
		t.Errorf("got %+v, %v", result, err)
	}
}

func TestUnknownResponseModeIsRefused(t *testing.T) {
	result := runtimeTest(t, func(t *testing.T, r *fakeRuntime) {
		e := r.next()
		r.expect(t, "POST", runtimePrefix+"invocation/"+e.id+"/response", `1`, 400, "InvalidFunctionResponseMode",
			"Lambda-Runtime-Function-Response-Mode", "telepathy")
	})
	if !strings.Contains(string(result.Payload), `"errorType":"Runtime.InvalidResponseModeHeader"`) {
		t.Errorf("got %+v", result)
	}
}
