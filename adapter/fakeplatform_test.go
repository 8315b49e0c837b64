//go:build linux

package main

import (
	"bufio"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// patience is how long a test waits for what must happen.
const patience = 20 * time.Second

// platform is a fake of the runtime API, and the adapter that runs below it.
type platform struct {
	t      *testing.T
	server *httptest.Server
	root   string
	port   int

	events  chan fakeEvent
	reports chan report
	waiting chan struct{} // one value for each call of next

	// extensions, if set, receives the calls of the extensions API.
	extensions chan string
	// restores receives a value when the environment is ready for its snapshot, and gives
	// one when it goes on.
	restores chan struct{}
	// pieces, if set, receives what is read of a streamed answer while it comes.
	pieces chan string
	// read, if set, reads the body of an answer instead, and returns what to keep of it.
	read func(io.Reader) []byte

	adapter *exec.Cmd
	exited  chan struct{}
	stdout  *lines
	stderr  *lines
	// outFile and errFile, if set, take the output instead: what is written to a file
	// is there at once.
	outFile, errFile *os.File
}

type fakeEvent struct {
	id       string
	body     string
	deadline time.Time
	header   http.Header
}

// report is what the adapter told the runtime API.
type report struct {
	path      string
	body      []byte
	errorType string
	header    http.Header
	trailer   http.Header
	failure   struct {
		ErrorMessage string   `json:"errorMessage"`
		ErrorType    string   `json:"errorType"`
		StackTrace   []string `json:"stackTrace"`
	}
}

func newPlatform(t *testing.T) *platform {
	p := &platform{
		t: t, root: t.TempDir(), port: freePort(t),
		events: make(chan fakeEvent), reports: make(chan report, 10), waiting: make(chan struct{}, 100),
		restores: make(chan struct{}), exited: make(chan struct{}), stdout: newLines(), stderr: newLines(),
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /2018-06-01/runtime/invocation/next", p.next)
	mux.HandleFunc("GET /2018-06-01/runtime/restore/next", p.restore)
	mux.HandleFunc("POST /2018-06-01/runtime/", p.report)
	mux.HandleFunc("POST /2020-01-01/extension/register", p.register)
	mux.HandleFunc("GET /2020-01-01/extension/event/next", p.extensionNext)
	p.server = httptest.NewServer(mux)
	t.Cleanup(func() {
		if p.adapter != nil {
			p.adapter.Process.Kill()
			<-p.exited
		}
		p.server.CloseClientConnections()
		p.server.Close()
	})
	return p
}

func freePort(t *testing.T) int {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}

func (p *platform) next(w http.ResponseWriter, r *http.Request) {
	p.waiting <- struct{}{}
	select {
	case e := <-p.events:
		w.Header().Set("Lambda-Runtime-Aws-Request-Id", e.id)
		w.Header().Set("Lambda-Runtime-Trace-Id", "Root=1-5e-7;Sampled=1")
		if !e.deadline.IsZero() {
			w.Header().Set("Lambda-Runtime-Deadline-Ms", strconv.FormatInt(e.deadline.UnixMilli(), 10))
		}
		for k, v := range e.header {
			w.Header()[k] = v
		}
		io.WriteString(w, e.body)
	case <-r.Context().Done():
	}
}

func (p *platform) restore(w http.ResponseWriter, r *http.Request) {
	for range 2 {
		select {
		case p.restores <- struct{}{}:
		case <-r.Context().Done():
		}
	}
}

// register answers as a platform without extensions does, unless the test has some.
func (p *platform) register(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	if p.extensions == nil {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Lambda-Extension-Identifier", "ext-1")
	io.WriteString(w, `{"functionName":"f"}`)
	p.extensions <- "register " + r.Header.Get("Lambda-Extension-Name") + " " + string(body)
}

func (p *platform) extensionNext(w http.ResponseWriter, r *http.Request) {
	p.extensions <- "next " + r.Header.Get("Lambda-Extension-Identifier")
	<-r.Context().Done()
}

func (p *platform) report(w http.ResponseWriter, r *http.Request) {
	body := p.readBody(r)
	rep := report{header: r.Header, trailer: r.Trailer, path: strings.TrimPrefix(r.URL.Path, "/2018-06-01/runtime/"), body: body,
		errorType: r.Header.Get("Lambda-Runtime-Function-Error-Type")}
	if strings.HasSuffix(rep.path, "error") {
		if err := json.Unmarshal(body, &rep.failure); err != nil {
			p.t.Errorf("the error report %s is not JSON: %v", body, err)
		}
	}
	w.WriteHeader(http.StatusAccepted)
	io.WriteString(w, `{"status":"OK"}`)
	p.reports <- rep
}

// readBody reads the body to its end, and passes on each piece of it.
func (p *platform) readBody(r *http.Request) (all []byte) {
	if p.read != nil {
		return p.read(r.Body)
	}
	b := make([]byte, 64<<10)
	for {
		n, err := r.Body.Read(b)
		all = append(all, b[:n]...)
		if p.pieces != nil && n > 0 {
			p.pieces <- string(b[:n])
		}
		if err != nil {
			return all
		}
	}
}

// start starts the adapter with a fake app of that kind.
func (p *platform) start(app string, env ...string) {
	p.t.Helper()
	p.startCommand([]string{os.Args[0], asApp, app}, env...)
}

func (p *platform) startCommand(command []string, env ...string) {
	p.t.Helper()
	config, _ := json.Marshal(map[string]any{
		"command": command, "dir": "app", "port": p.port, "health": "/healthz",
		"env": map[string]string{"FROM_RELEASE": "release", "SET_BY_BOTH": "release"},
	})
	if err := os.MkdirAll(filepath.Join(p.root, "app"), 0o755); err != nil {
		p.t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(p.root, configName), config, 0o644); err != nil {
		p.t.Fatal(err)
	}
	p.run(env...)
}

// run starts the adapter alone.
func (p *platform) run(env ...string) {
	p.t.Helper()
	p.adapter = exec.Command(os.Args[0], asAdapter, "ignored", "arguments")
	p.adapter.Env = append([]string{
		"PATH=" + os.Getenv("PATH"),
		"AWS_LAMBDA_RUNTIME_API=" + strings.TrimPrefix(p.server.URL, "http://"),
		"LAMBDA_TASK_ROOT=" + p.root,
		"AWS_REGION=eu-west-1",
		"GORACE=atexit_sleep_ms=0", // or a process of a -race build takes a second to exit
		"SECRET=do-not-print-this",
	}, env...)
	p.adapter.Stdout, p.adapter.Stderr = p.stdout, p.stderr
	if p.outFile != nil {
		p.adapter.Stdout, p.adapter.Stderr = p.outFile, p.errFile
	}
	if err := p.adapter.Start(); err != nil {
		p.t.Fatal(err)
	}
	go func() {
		p.adapter.Wait()
		close(p.exited)
	}()
}

// awaitNext waits until the adapter asks for an event.
func (p *platform) awaitNext() {
	p.t.Helper()
	select {
	case <-p.waiting:
	case r := <-p.reports:
		p.t.Fatalf("the adapter reported %s %s", r.path, r.body)
	case <-p.exited:
		p.t.Fatalf("the adapter exited: %v\n%s", p.adapter.ProcessState, p.stderr.all())
	case <-time.After(patience):
		p.t.Fatal("the adapter does not ask for an event")
	}
}

// invoke hands over an event and returns what the adapter reports.
func (p *platform) invoke(e fakeEvent) report {
	p.t.Helper()
	if e.id == "" {
		e.id = "8476a536-e9f4-11e8-9739-2dfe598c3fcd"
	}
	if e.deadline.IsZero() {
		e.deadline = time.Now().Add(patience)
	}
	select {
	case p.events <- e:
	case <-p.exited:
		p.t.Fatalf("the adapter exited: %v\n%s", p.adapter.ProcessState, p.stderr.all())
	case <-time.After(patience):
		p.t.Fatal("the adapter takes no event")
	}
	return p.awaitReport()
}

func (p *platform) awaitReport() report {
	p.t.Helper()
	select {
	case r := <-p.reports:
		return r
	case <-p.exited:
		p.t.Fatalf("the adapter exited: %v\n%s", p.adapter.ProcessState, p.stderr.all())
	case <-time.After(patience):
		p.t.Fatal("the adapter reports nothing")
	}
	return report{}
}

// awaitExit returns the adapter's exit code.
func (p *platform) awaitExit() int {
	p.t.Helper()
	select {
	case <-p.exited:
	case <-time.After(patience):
		p.t.Fatal("the adapter does not exit")
	}
	return p.adapter.ProcessState.ExitCode()
}

// answer is an answer as the platform reads it.
type answer struct {
	StatusCode      int               `json:"statusCode"`
	Headers         map[string]string `json:"headers"`
	Cookies         []string          `json:"cookies"`
	Body            string            `json:"body"`
	IsBase64Encoded bool              `json:"isBase64Encoded"`
}

// request sends an HTTP event without a body, or with one, and returns the answer.
func (p *platform) request(method, path, body string) answer {
	p.t.Helper()
	r := p.invoke(fakeEvent{body: httpEventJSON(method, path, body)})
	if !strings.HasSuffix(r.path, "/response") {
		p.t.Fatalf("%s %s: the adapter reported %s %s", method, path, r.path, r.body)
	}
	var a answer
	if err := json.Unmarshal(r.body, &a); err != nil {
		p.t.Fatalf("%s %s: %v in %s", method, path, err, r.body)
	}
	return a
}

// fails sends an HTTP event and returns the failure, which must be of that kind.
func (p *platform) fails(kind, method, path, body string, deadline time.Time) report {
	p.t.Helper()
	r := p.invoke(fakeEvent{body: httpEventJSON(method, path, body), deadline: deadline})
	r.mustBe(p.t, "/error", kind)
	return r
}

func (r report) mustBe(t *testing.T, path, kind string) {
	t.Helper()
	if !strings.HasSuffix(r.path, path) || r.failure.ErrorType != kind {
		t.Fatalf("the adapter reported %s %.300s, want %s %s", r.path, r.body, path, kind)
	}
	if want := "Function." + strings.ReplaceAll(kind, ".", ""); r.errorType != want {
		t.Errorf("the error type in the header is %q, want %q", r.errorType, want)
	}
	if strings.Contains(string(r.body), "do-not-print-this") {
		t.Errorf("the report holds a value of the environment: %s", r.body)
	}
}

// httpEventJSON returns an event of a function URL.
func httpEventJSON(method, target, body string) string {
	path, query, _ := strings.Cut(target, "?")
	e, _ := json.Marshal(map[string]any{
		"version": "2.0", "routeKey": "$default", "rawPath": path, "rawQueryString": query,
		"headers": map[string]string{"host": "x.lambda-url.eu-west-1.on.aws", "content-type": "text/plain"},
		"requestContext": map[string]any{
			"domainName": "x.lambda-url.eu-west-1.on.aws",
			"http":       map[string]string{"method": method, "path": path},
		},
		"body": body, "isBase64Encoded": false,
	})
	return string(e)
}

// lines collects what a process prints.
type lines struct {
	mu     sync.Mutex
	text   []byte
	change chan struct{}
}

func newLines() *lines { return &lines{change: make(chan struct{})} }

func (l *lines) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.text = append(l.text, b...)
	close(l.change)
	l.change = make(chan struct{})
	return len(b), nil
}

func (l *lines) all() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return string(l.text)
}

// await waits until the text holds that line, and returns the words behind it.
func (l *lines) await(t *testing.T, prefix string) string {
	t.Helper()
	timeout := time.After(patience)
	for {
		l.mu.Lock()
		text, change := string(l.text), l.change
		l.mu.Unlock()
		s := bufio.NewScanner(strings.NewReader(text))
		for s.Scan() {
			if rest, ok := strings.CutPrefix(s.Text(), prefix); ok && strings.HasSuffix(text, "\n") {
				return rest
			}
		}
		select {
		case <-change:
		case <-timeout:
			t.Fatalf("%q was not printed, but\n%s", prefix, text)
		}
	}
}
