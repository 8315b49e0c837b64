package function

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/twofoldhq/twofold/targets/local/sandbox"
)

// runtimeTest runs a program as the only instance of a function, with one
// invocation of the event {"n":1}, and returns what the caller got.
func runtimeTest(t *testing.T, program func(t *testing.T, r *fakeRuntime), change ...func(c *Config)) Result {
	t.Helper()
	ended := make(chan struct{})
	f := newFunction(t, func(r *fakeRuntime) sandbox.Exit {
		if r.number > 1 {
			return sandbox.Exit{Code: 1}
		}
		defer close(ended)
		program(t, r)
		r.next()
		return sandbox.Exit{}
	}, change...)
	result, err := f.Invoke(t.Context(), []byte(`{"n":1}`))
	if err != nil {
		t.Fatal(err)
	}
	if err := f.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	<-ended
	return result
}

func (r *fakeRuntime) expect(t *testing.T, method, path, body string, status int, answer string, header ...string) {
	t.Helper()
	gotStatus, got := r.call(method, path, body, header...)
	if gotStatus != status || !strings.Contains(got, answer) {
		t.Errorf("%s %s: got %d %q, want %d %q", method, path, gotStatus, got, status, answer)
	}
}

func TestNextTellsWhatLambdaTells(t *testing.T) {
	before := time.Now()
	result := runtimeTest(t, func(t *testing.T, r *fakeRuntime) {
		e := r.next()
		if string(e.body) != `{"n":1}` {
			t.Errorf("event: %s", e.body)
		}
		deadline, err := strconv.ParseInt(e.header.Get("Lambda-Runtime-Deadline-Ms"), 10, 64)
		if left := time.UnixMilli(deadline).Sub(before); err != nil || left < 19*time.Second || left > 21*time.Second {
			t.Errorf("deadline: %s away, %v", left, err)
		}
		for name, want := range map[string]string{
			"Content-Type":                        "application/json",
			"Content-Length":                      "7",
			"Lambda-Runtime-Invoked-Function-Arn": "arn:aws:lambda:us-east-1:000000000000:function:api",
		} {
			if got := e.header.Get(name); got != want {
				t.Errorf("%s: got %q, want %q", name, got, want)
			}
		}
		if trace := e.header.Get("Lambda-Runtime-Trace-Id"); !strings.HasPrefix(trace, "Root=1-") {
			t.Errorf("trace: %q", trace)
		}
		r.expect(t, "POST", runtimePrefix+"invocation/"+e.id+"/response", `"fine"`, 202, `{"status":"OK"}`)
	})
	if string(result.Payload) != `"fine"` || result.FunctionError != "" {
		t.Errorf("got %+v", result)
	}
}

func TestWhatIsOutOfOrderIsRefused(t *testing.T) {
	result := runtimeTest(t, func(t *testing.T, r *fakeRuntime) {
		const id = "00000000-0000-4000-8000-000000000000"
		r.expect(t, "POST", runtimePrefix+"invocation/"+id+"/response", `1`, 400, `"errorType":"InvalidRequestID"`)
		r.expect(t, "POST", runtimePrefix+"invocation/"+id+"/error", `{}`, 400, `"errorMessage":"Invalid request ID"`)
		e := r.next()
		r.expect(t, "POST", runtimePrefix+"init/error", `{}`, 403, `"errorType":"InvalidStateTransition"`)
		r.expect(t, "GET", runtimePrefix+"invocation/next", "", 403, "State transition from Running to Ready failed for runtime.")
		r.expect(t, "POST", runtimePrefix+"invocation/"+id+"/response", `1`, 400, `"errorType":"InvalidRequestID"`)
		r.expect(t, "POST", runtimePrefix+"invocation/"+e.id+"/response", `2`, 202, "")
		r.expect(t, "POST", runtimePrefix+"invocation/"+e.id+"/response", `3`, 403, "State transition from RuntimeResponseSent to InvocationResponse")
		r.expect(t, "POST", runtimePrefix+"invocation/"+e.id+"/error", `{}`, 403, "State transition from RuntimeResponseSent to InvocationErrorResponse")
	})
	if string(result.Payload) != `2` {
		t.Errorf("got %+v", result)
	}
}

func TestOnlyOneCallForTheNextInvocationAtATime(t *testing.T) {
	f := newFunction(t, func(r *fakeRuntime) sandbox.Exit {
		first := make(chan fakeEvent)
		go func() { first <- r.next() }()
		<-r.terminated
		r.expect(t, "GET", runtimePrefix+"invocation/next", "", 403, "InvalidStateTransition")
		e := <-first
		r.respond(e.id, `1`)
		r.next()
		return sandbox.Exit{}
	})
	if err := f.Warm(t.Context()); err != nil {
		t.Fatal(err)
	}
	f.mu.Lock()
	_ = f.idle[0].proc.Terminate()
	f.mu.Unlock()
	if result, err := f.Invoke(t.Context(), []byte(`{}`)); err != nil || string(result.Payload) != `1` {
		t.Errorf("got %+v, %v", result, err)
	}
}

func TestPathsThatDoNotExist(t *testing.T) {
	runtimeTest(t, func(t *testing.T, r *fakeRuntime) {
		for _, path := range []string{
			"/", "/2018-06-01", "/2018-06-01/runtime", runtimePrefix, runtimePrefix + "invocation", runtimePrefix + "invocation/",
			runtimePrefix + "invocation/next/", runtimePrefix + "invocation/a/b/response", runtimePrefix + "invocation/response",
			runtimePrefix + "restore/next", runtimePrefix + "restore/error", "/2020-01-01/runtime/invocation/next", extensionPrefix + "nothing",
		} {
			r.expect(t, "GET", path, "", 404, "")
			r.expect(t, "POST", path, "", 404, "")
		}
		r.expect(t, "POST", runtimePrefix+"invocation/next", "", 405, "")
		r.expect(t, "GET", runtimePrefix+"init/error", "", 405, "")
		r.expect(t, "GET", runtimePrefix+"invocation/x/response", "", 405, "")
		r.expect(t, "GET", runtimePrefix+"invocation/x/error", "", 405, "")
		e := r.next()
		r.respond(e.id, `1`)
	})
}

func TestAnswerThatIsTooLarge(t *testing.T) {
	for _, test := range []struct {
		name string
		size int
		want string
	}{
		{"at the limit", payloadMax, ""},
		{"above it", payloadMax + 1, `{"errorType":"Function.ResponseSizeTooLarge","errorMessage":"Response payload size exceeded maximum allowed payload size (6291556 bytes)."}`},
	} {
		t.Run(test.name, func(t *testing.T) {
			result := runtimeTest(t, func(t *testing.T, r *fakeRuntime) {
				e := r.next()
				answer := `"` + strings.Repeat("x", test.size-2) + `"`
				want := 202
				if test.want != "" {
					want = 413
				}
				if got := r.respond(e.id, answer); got != want {
					t.Errorf("got %d, want %d", got, want)
				}
			})
			if test.want == "" {
				if result.FunctionError != "" || len(result.Payload) != test.size {
					t.Errorf("got %d bytes, %q", len(result.Payload), result.FunctionError)
				}
			} else if string(result.Payload) != test.want {
				t.Errorf("got %.200s", result.Payload)
			}
		})
	}
}

func TestRequestThatIsTooLarge(t *testing.T) {
	f := newFunction(t, each(func(*fakeRuntime, fakeEvent) string { return `{}` }))
	server := serve(t, f)
	for _, test := range []struct {
		name, kind string
		size       int
		status     int
	}{
		{"text below the limit", "text/plain", 6<<20 - 2048, 200},
		{"text above it", "text/plain", 6<<20 + 101, 413},
		{"binary grows by a third", "image/png", 4_700_000, 200},
		{"and is too large then", "image/png", 4_800_000, 413},
	} {
		t.Run(test.name, func(t *testing.T) {
			response, err := http.Post(server.URL, test.kind, strings.NewReader(strings.Repeat("x", test.size)))
			if err != nil {
				t.Fatal(err)
			}
			response.Body.Close()
			if response.StatusCode != test.status {
				t.Errorf("got %s", response.Status)
			}
		})
	}
	if _, err := f.Invoke(t.Context(), []byte(`"`+strings.Repeat("x", payloadMax)+`"`)); err == nil {
		t.Error("an event that is too large is taken")
	}
	if _, err := f.Invoke(t.Context(), []byte(`{`)); err == nil {
		t.Error("an event that is not JSON is taken")
	}
}

func TestErrorTypesThatLambdaDoesNotKnow(t *testing.T) {
	for kind, want := range map[string]string{
		"Runtime.MyError": "Runtime.MyError", "Function.Bad": "Function.Bad", "": "Runtime.Unknown", "oops": "Runtime.Unknown", "Runtime.x\ty": "Runtime.Unknown",
	} {
		if got := reported(kind, nil).kind; got != want {
			t.Errorf("%q: got %q, want %q", kind, got, want)
		}
	}
}

func TestErrorBodyIsPassedOnWhateverItIs(t *testing.T) {
	for _, body := range []string{`{"errorMessage":"x"}`, `not json`, ``} {
		t.Run(body, func(t *testing.T) {
			result := runtimeTest(t, func(t *testing.T, r *fakeRuntime) {
				e := r.next()
				r.expect(t, "POST", runtimePrefix+"invocation/"+e.id+"/error", body, 202, "")
			})
			if string(result.Payload) != body || result.FunctionError != "Unhandled" {
				t.Errorf("got %+v", result)
			}
		})
	}
}

func TestHugeHeadersReachTheEvent(t *testing.T) {
	f := newFunction(t, each(echo))
	request, _ := http.NewRequest("GET", serve(t, f).URL, nil)
	for n := range 100 {
		request.Header.Set(fmt.Sprintf("X-Header-%d", n), strings.Repeat(fmt.Sprint(n%10), 5000))
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if response.StatusCode != 200 || response.ContentLength < 500_000 {
		t.Errorf("got %s and %d bytes", response.Status, response.ContentLength)
	}
}

func TestAnswerThatIsCutOff(t *testing.T) {
	result := runtimeTest(t, func(t *testing.T, r *fakeRuntime) {
		e := r.next()
		conn, err := net.Dial("tcp", r.env["AWS_LAMBDA_RUNTIME_API"])
		if err != nil {
			t.Error(err)
			return
		}
		fmt.Fprintf(conn, "POST %sinvocation/%s/response HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n\"x\"", runtimePrefix, e.id)
		conn.Close()
		await(t, "the cut is noticed", func() bool {
			status, _ := r.call("GET", runtimePrefix+"invocation/next", "")
			return status != 403
		})
	})
	if !strings.Contains(string(result.Payload), "Runtime.TruncatedResponse") {
		t.Errorf("got %+v", result)
	}
}

// FuzzRuntimeAPI sends the runtime API what no runtime would.
func FuzzRuntimeAPI(f *testing.F) {
	f.Add("GET", runtimePrefix+"invocation/next", "", "", []byte(nil))
	f.Add("POST", runtimePrefix+"invocation/the-id/response", "Lambda-Runtime-Function-Response-Mode", "x", []byte(`{"statusCode":200}`))
	f.Add("POST", runtimePrefix+"invocation/the-id/error", "Lambda-Runtime-Function-Error-Type", "Function.X", []byte(`{"errorMessage":1}`))
	f.Add("POST", runtimePrefix+"init/error", "Lambda-Runtime-Function-Error-Type", "\x00", []byte(`[`))
	f.Add("POST", extensionPrefix+"register", "Lambda-Extension-Name", "x", []byte(`{"events":["INVOKE"]}`))
	f.Fuzz(func(t *testing.T, method, path, name, value string, body []byte) {
		r, err := http.NewRequest(method, "http://x/", bytes.NewReader(body))
		if err != nil {
			t.Skip()
		}
		r.URL.Path = path
		r.Header[name] = []string{value}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		for s := starting; s <= dead; s++ {
			function, err := New(Config{Name: "api", Launch: fakeLauncher(nil)})
			if err != nil {
				t.Fatal(err)
			}
			v := newInvocation("the-id", "", []byte(`{}`))
			v.timer = time.AfterFunc(time.Hour, func() {})
			i := &instance{
				f: function, log: &instanceLog{logger: function.log}, state: s,
				ready: make(chan struct{}), initError: make(chan *failure, 1), deliver: make(chan *invocation, 1), gone: make(chan struct{}),
				proc: &fakeRuntime{done: make(chan struct{})},
			}
			if s >= assigned {
				i.current = v
			}
			if strings.EqualFold(value, "streaming") {
				close(v.completed) // nobody reads the stream
			}
			w := httptest.NewRecorder()
			i.serveAPI(w, r.Clone(ctx))
			if w.Code >= 500 {
				t.Errorf("%s: got %d", s, w.Code)
			}
			v.timer.Stop()
		}
	})
}
