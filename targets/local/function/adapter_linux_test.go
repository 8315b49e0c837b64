package function

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/twofoldhq/twofold/release"
	"github.com/twofoldhq/twofold/targets"
	"github.com/twofoldhq/twofold/targets/local/sandbox"
)

// The tests of this file run real bundles: the adapter, built from this source,
// and this test binary as the app.

const appVariable = "FUNCTION_TEST_APP"

func TestMain(m *testing.M) {
	switch os.Getenv(appVariable) {
	case "":
		code := m.Run()
		_ = os.RemoveAll(adapterDir)
		os.Exit(code)
	case "broken":
		fmt.Fprintln(os.Stderr, "panic: no database")
		os.Exit(3)
	default:
		fmt.Println("the app begins")
		err := http.ListenAndServe(":"+os.Getenv("PORT"), http.HandlerFunc(serveApp))
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// adapterDir holds the adapter once buildAdapter was called.
var adapterDir string

// buildAdapter builds the adapter from this source, once, and returns its path.
var buildAdapter = sync.OnceValues(func() (string, error) {
	var err error
	if adapterDir, err = os.MkdirTemp("", "adapter-"); err != nil {
		return "", err
	}
	name := filepath.Join(adapterDir, "bootstrap")
	build := exec.Command("go", "build", "-o", name, "github.com/twofoldhq/twofold/adapter")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if output, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("%w: %s", err, output)
	}
	return name, nil
})

// reflection is what the app saw of a request.
type reflection struct {
	Method, Target, Host string
	Header               http.Header
	Body                 []byte
}

// serveApp is the app of the bundle. A path that it does not know is reflected.
func serveApp(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	switch r.URL.Path {
	case "/healthz":
	case "/exit":
		os.Exit(7)
	case "/hang":
		select {}
	case "/bytes":
		w.Header().Set("Content-Type", "application/octet-stream")
		_, _ = w.Write(bytes.Repeat([]byte{0, 1, 128, 255}, 1<<18))
	case "/status":
		code, _ := strconv.Atoi(r.URL.Query().Get("code"))
		w.Header().Set("Content-Type", "text/plain")
		w.WriteHeader(code)
	case "/cookies":
		http.SetCookie(w, &http.Cookie{Name: "a", Value: "1", Path: "/"})
		http.SetCookie(w, &http.Cookie{Name: "b", Value: "2", HttpOnly: true})
		_, _ = io.WriteString(w, "set")
	case "/headers":
		w.Header().Set("X-Unicode", "café")
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.Header().Set("Location", "/a%2Fb?c=d")
		w.WriteHeader(http.StatusFound)
	case "/gzip":
		w.Header().Set("Content-Encoding", "gzip")
		w.Header().Set("Content-Type", "text/plain")
		_, _ = w.Write([]byte("\x1f\x8bnot really"))
	case "/length":
		w.Header().Set("Content-Type", "text/plain")
		w.Header().Set("Content-Length", "1234")
		if r.Method != http.MethodHead {
			_, _ = w.Write(make([]byte, 1234))
		}
	case "/events":
		fmt.Printf("event %s\n", body)
		if string(body) == `{"fail":true}` {
			w.WriteHeader(http.StatusInternalServerError)
		}
	default:
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(reflection{r.Method, r.RequestURI, r.Host, r.Header, body})
	}
}

// process is an instance without a sandbox.
type process struct {
	cmd  *exec.Cmd
	done chan struct{}
}

func (p *process) Done() <-chan struct{} { return p.done }
func (p *process) Pid() int              { return p.cmd.Process.Pid }
func (p *process) Terminate() error      { return syscall.Kill(p.Pid(), syscall.SIGTERM) }
func (p *process) Kill() error           { return syscall.Kill(-p.Pid(), syscall.SIGKILL) }
func (p *process) Exit() sandbox.Exit {
	status := p.cmd.ProcessState.Sys().(syscall.WaitStatus)
	e := sandbox.Exit{Code: p.cmd.ProcessState.ExitCode()}
	if status.Signaled() {
		e.Signal = status.Signal()
	}
	return e
}

// newBundle makes a function of the adapter and the app, and returns its log.
func newBundle(t testing.TB, change ...func(c *Config)) (*Function, *syncBuffer) {
	t.Helper()
	dir := t.TempDir()
	adapter, err := buildAdapter()
	if err != nil {
		t.Fatal(err)
	}
	bootstrap := filepath.Join(dir, "bootstrap")
	if err := os.Symlink(adapter, bootstrap); err != nil {
		t.Fatal(err)
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(dir, release.AppDir), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(self, filepath.Join(dir, release.AppDir, "server")); err != nil {
		t.Fatal(err)
	}
	config, _ := json.Marshal(release.AppConfig{Command: []string{"./server"}, Dir: release.AppDir, Port: 8080, Health: "/healthz"})
	if err := os.WriteFile(filepath.Join(dir, release.AppConfigName), config, 0o644); err != nil {
		t.Fatal(err)
	}

	var log syncBuffer
	changes := append([]func(c *Config){func(c *Config) {
		c.Task, c.TaskRoot, c.Log = dir, dir, &log
		c.Env = map[string]string{appVariable: "app"}
		c.Launch = func(_ context.Context, spec LaunchSpec) (Instance, error) {
			cmd := exec.Command(bootstrap)
			cmd.Env, cmd.Stdout, cmd.Stderr = spec.Env, spec.Stdout, spec.Stderr
			cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
			if err := cmd.Start(); err != nil {
				return nil, err
			}
			p := &process{cmd: cmd, done: make(chan struct{})}
			go func() {
				_ = cmd.Wait()
				_ = p.Kill() // the app, if it is left
				close(p.done)
			}()
			return p, nil
		}
	}}, change...)
	return newFunction(t, nil, changes...), &log
}

// exchange sends a request as it is and returns what came back.
func exchange(t *testing.T, server, method, target, body string, header http.Header) seen {
	t.Helper()
	r, err := http.NewRequest(method, server+target, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Host = "shop.example"
	for name, values := range header {
		r.Header[name] = values
	}
	client := &http.Client{
		Transport:     &http.Transport{DisableCompression: true, DisableKeepAlives: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	response, err := client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return seen{response.StatusCode, response.Header, string(text)}
}

// TestBundleAnswersAsTheAppItself sends the same requests to the app itself and
// to the app as a function.
func TestBundleAnswersAsTheAppItself(t *testing.T) {
	direct := httptest.NewServer(http.HandlerFunc(serveApp))
	defer direct.Close()
	f, _ := newBundle(t)
	function := serve(t, f)

	binary := string(bytes.Repeat([]byte{0, 200, 10, 34, 92}, 200_000))
	kind := func(k string) http.Header { return http.Header{"Content-Type": {k}} }
	for _, test := range []struct {
		method, target, body string
		header               http.Header
	}{
		{"GET", "/", "", nil},
		{"GET", "/a%2Fb/%C3%A9t%C3%A9/~x;y=1", "", nil},
		{"GET", "//double//slash/", "", nil},
		{"GET", "/q?a=1&a=2&b=%20+%2B&c=&d&=e&f=%2F;g", "", nil},
		{"GET", "/q?utf=%C3%A9&bad=%E9", "", nil},
		{"DELETE", "/thing", "", nil},
		{"PATCH", "/thing", `{"a":"é\n\u0000"}`, kind("application/json")},
		{"POST", "/form", "a=1&b=%20", kind("application/x-www-form-urlencoded")},
		{"POST", "/text", "line\r\nline \"quoted\" \\ \x7f \u2028", kind("text/plain; charset=utf-8")},
		{"POST", "/latin", "caf\xe9", kind("text/plain; charset=iso-8859-1")},
		{"PUT", "/binary", binary, kind("application/octet-stream")},
		{"POST", "/untyped", "x", nil},
		{"GET", "/cookie", "", http.Header{"Cookie": {"a=1; b=two words; c=\"q\""}}},
		{"GET", "/header", "", http.Header{"X-Value": {"a \"b\" \\ c"}, "X-Utf8": {"café"}, "X-Empty": {""}, "Authorization": {"Bearer x"}}},
		{"GET", "/bytes", "", nil},
		{"GET", "/cookies", "", nil},
		{"GET", "/headers", "", nil},
		{"GET", "/gzip", "", nil},
		{"GET", "/length", "", nil},
		{"HEAD", "/length", "", nil},
		{"GET", "/status?code=200", "", nil},
		{"GET", "/status?code=204", "", nil},
		{"GET", "/status?code=304", "", nil},
		{"GET", "/status?code=404", "", nil},
		{"GET", "/status?code=503", "", nil},
		{"OPTIONS", "/", "", nil},
	} {
		t.Run(test.method+" "+test.target, func(t *testing.T) {
			want := exchange(t, direct.URL, test.method, test.target, test.body, test.header)
			got := exchange(t, function.URL, test.method, test.target, test.body, test.header)
			if want.Headers["Content-Length"] == nil {
				delete(got.Headers, "Content-Length") // a buffered answer has a length
			}
			for _, s := range []*seen{&want, &got} {
				for _, name := range []string{"Date", "Connection", "X-Amzn-Requestid", "X-Amzn-Trace-Id"} {
					delete(s.Headers, name)
				}
				var r reflection
				if json.Unmarshal([]byte(s.Body), &r) == nil {
					s.Body = ""
					for _, name := range []string{"Connection", "Content-Length", "X-Amzn-Trace-Id", "X-Forwarded-For", "X-Forwarded-Port", "X-Forwarded-Proto"} {
						delete(r.Header, name)
					}
					for name := range r.Header {
						if strings.HasPrefix(name, "X-Amzn-") {
							delete(r.Header, name)
						}
					}
					delete(s.Headers, "Content-Length")
					text, _ := json.MarshalIndent(r, "", " ")
					s.Body = string(text)
				}
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("(-app itself +function):\n%.4000s", diff)
			}
		})
	}
}

func TestBundleThatEndsOrHangs(t *testing.T) {
	f, log := newBundle(t, func(c *Config) { c.Timeout = 2 * time.Second })
	function := serve(t, f)
	for _, target := range []string{"/exit", "/hang"} {
		if got := exchange(t, function.URL, "GET", target, "", nil); got.Status != 502 {
			t.Errorf("%s: got %+v", target, got)
		}
		if got := exchange(t, function.URL, "GET", "/after", "", nil); got.Status != 200 {
			t.Errorf("after %s: got %+v", target, got)
		}
	}
	await(t, "two failures in the log", func() bool { return strings.Count(log.String(), "Status: ") >= 2 })
}

func TestBundleGetsEvents(t *testing.T) {
	f, log := newBundle(t)
	result, err := f.Invoke(t.Context(), []byte(`{"Records":[]}`))
	if err != nil || result.FunctionError != "" {
		t.Fatalf("got %+v, %v", result, err)
	}
	await(t, "the app's line", func() bool { return strings.Contains(log.String(), "event {\"Records\":[]}\n") })
	result, err = f.Invoke(t.Context(), []byte(`{"fail":true}`))
	if err != nil || result.FunctionError != "Unhandled" || !json.Valid(result.Payload) {
		t.Errorf("got %+v, %v", result, err)
	}
}

func TestBundleThatDoesNotStartTellsWhy(t *testing.T) {
	f, _ := newBundle(t, func(c *Config) { c.Env[appVariable] = "broken" })
	err := f.Warm(t.Context())
	var unhealthy *targets.NotHealthyError
	if !errors.As(err, &unhealthy) {
		t.Fatalf("got %v", err)
	}
	if !strings.Contains(unhealthy.Reason, "3") || !strings.Contains(unhealthy.Output, "panic: no database\n") {
		t.Errorf("got %+v", unhealthy)
	}
}

func TestBundleThatIsKilledComesBack(t *testing.T) {
	f, log := newBundle(t)
	if err := f.Warm(t.Context()); err != nil {
		t.Fatal(err)
	}
	function := serve(t, f)
	for range 5 {
		f.mu.Lock()
		idle := slices.Clone(f.idle)
		f.mu.Unlock()
		for _, i := range idle {
			_ = i.proc.Kill()
			<-i.proc.Done()
		}
		if got := exchange(t, function.URL, "GET", "/", "", nil); got.Status != 200 {
			t.Fatalf("got %+v\n%s", got, log.String())
		}
		await(t, "the instance is idle", func() bool {
			f.mu.Lock()
			defer f.mu.Unlock()
			return len(f.idle) == 1 && !closed(f.idle[0].gone) && !slices.Contains(idle, f.idle[0])
		})
	}
}
