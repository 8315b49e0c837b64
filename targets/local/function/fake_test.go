package function

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/twofoldhq/twofold/targets/local/sandbox"
)

// fakeRuntime is a bootstrap that lives in the test's process and speaks the
// runtime API through real connections.
type fakeRuntime struct {
	spec   LaunchSpec
	env    map[string]string
	client *http.Client
	number int

	ctx        context.Context
	kill       context.CancelCauseFunc
	done       chan struct{}
	exit       sandbox.Exit
	terminated chan struct{}
	terminate  sync.Once
}

func (r *fakeRuntime) Done() <-chan struct{} { return r.done }
func (r *fakeRuntime) Exit() sandbox.Exit    { return r.exit }
func (r *fakeRuntime) Pid() int              { return os.Getpid() }
func (r *fakeRuntime) Kill() error           { r.kill(errKilled); return nil }
func (r *fakeRuntime) Terminate() error {
	r.terminate.Do(func() { close(r.terminated) })
	return nil
}

var errKilled = fmt.Errorf("killed")

// fakeLauncher starts a goroutine for each instance. When the program returns,
// the instance ends with its result; when it is killed, its context ends.
func fakeLauncher(program func(r *fakeRuntime) sandbox.Exit) Launch {
	var launched atomic.Int32
	return func(_ context.Context, spec LaunchSpec) (Instance, error) {
		r := &fakeRuntime{
			spec: spec, env: map[string]string{}, number: int(launched.Add(1)),
			done: make(chan struct{}), terminated: make(chan struct{}),
		}
		for _, pair := range spec.Env {
			name, value, _ := strings.Cut(pair, "=")
			r.env[name] = value
		}
		r.ctx, r.kill = context.WithCancelCause(context.Background())
		transport := &http.Transport{}
		r.client = &http.Client{Transport: transport}
		go func() {
			ended := make(chan sandbox.Exit, 1)
			go func() { ended <- program(r) }()
			select {
			case r.exit = <-ended:
			case <-r.ctx.Done():
				r.exit = sandbox.Exit{Code: 137, Signal: syscall.SIGKILL}
			}
			r.kill(errKilled)
			transport.CloseIdleConnections()
			close(r.done)
		}()
		return r, nil
	}
}

func (r *fakeRuntime) do(method, path string, body io.Reader, header ...string) (*http.Response, error) {
	request, err := http.NewRequestWithContext(r.ctx, method, "http://"+r.env["AWS_LAMBDA_RUNTIME_API"]+path, body)
	if err != nil {
		return nil, err
	}
	for n := 0; n+1 < len(header); n += 2 {
		request.Header.Set(header[n], header[n+1])
	}
	return r.client.Do(request)
}

// call makes a call and returns the status and the body; 0 if there was none.
func (r *fakeRuntime) call(method, path, body string, header ...string) (int, string) {
	response, err := r.do(method, path, strings.NewReader(body), header...)
	if err != nil {
		return 0, err.Error()
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		return 0, err.Error()
	}
	return response.StatusCode, string(text)
}

type fakeEvent struct {
	id     string
	header http.Header
	body   []byte
}

// next waits for an invocation; the id is "" when the instance has ended.
func (r *fakeRuntime) next() fakeEvent {
	response, err := r.do("GET", runtimePrefix+"invocation/next", nil)
	if err != nil {
		return fakeEvent{}
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode != http.StatusOK {
		return fakeEvent{}
	}
	return fakeEvent{id: response.Header.Get("Lambda-Runtime-Aws-Request-Id"), header: response.Header, body: body}
}

func (r *fakeRuntime) respond(id, body string, header ...string) int {
	status, _ := r.call("POST", runtimePrefix+"invocation/"+id+"/response", body, header...)
	return status
}

// each answers every event with what handle returns.
func each(handle func(r *fakeRuntime, e fakeEvent) string) func(r *fakeRuntime) sandbox.Exit {
	return func(r *fakeRuntime) sandbox.Exit {
		for {
			e := r.next()
			if e.id == "" {
				return sandbox.Exit{}
			}
			if r.respond(e.id, handle(r, e)) == 0 {
				return sandbox.Exit{}
			}
		}
	}
}

// echo answers with the event itself as the body.
func echo(_ *fakeRuntime, e fakeEvent) string {
	body, _ := json.Marshal(string(e.body))
	return `{"statusCode":200,"headers":{"content-type":"text/plain"},"body":` + string(body) + `}`
}

// syncBuffer is a log that can be read while it is written.
type syncBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *syncBuffer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *syncBuffer) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

// newFunction makes a function of a program, closed at the end of the test.
func newFunction(t testing.TB, program func(r *fakeRuntime) sandbox.Exit, change ...func(c *Config)) *Function {
	t.Helper()
	c := Config{Name: "api", Timeout: 20 * time.Second, Launch: fakeLauncher(program)}
	for _, f := range change {
		f(&c)
	}
	f, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if err := f.Close(ctx); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return f
}

// serve puts a function behind a real server.
func serve(t testing.TB, f *Function) *httptest.Server {
	t.Helper()
	server := httptest.NewServer(f)
	t.Cleanup(server.Close)
	return server
}

func get(t testing.TB, url string) (*http.Response, string) {
	t.Helper()
	response, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response, string(body)
}

// await polls for a condition that another goroutine brings about.
func await(t testing.TB, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); time.Now().Before(deadline); time.Sleep(time.Millisecond) {
		if ok() {
			return
		}
	}
	t.Fatalf("it never happened: %s", what)
}
