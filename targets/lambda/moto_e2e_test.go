//go:build e2e

package lambda

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/twofoldhq/twofold/manifest/schema"
	"github.com/twofoldhq/twofold/targets"
	"github.com/twofoldhq/twofold/targets/conformance"
)

// The tests talk to moto_server, an emulation of AWS by others, through a proxy of
// ours that fails calls, and that answers invocations: moto runs no functions.
var (
	motoCloud *cloud
	releases  *conformance.Releases
)

func TestMain(m *testing.M) {
	os.Exit(withCloud(m))
}

func withCloud(m *testing.M) int {
	dir, err := os.MkdirTemp("", "twofold-lambda-*")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	if releases, err = conformance.MakeReleases(context.Background(), dir); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	var stop func()
	if motoCloud, stop, err = startCloud(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer stop()
	for name, value := range map[string]string{
		"AWS_ENDPOINT_URL": motoCloud.url, "AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_SESSION_TOKEN": "",
		"AWS_CONFIG_FILE": filepath.Join(dir, "none"), "AWS_SHARED_CREDENTIALS_FILE": filepath.Join(dir, "none"), "AWS_PROFILE": "",
	} {
		os.Setenv(name, value)
	}
	return m.Run()
}

// motoServer is where e2e/install.sh puts it.
func motoServer() (string, error) {
	if path := os.Getenv("TWOFOLD_MOTO_SERVER"); path != "" {
		return path, nil
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", err
	}
	path := filepath.Join(cache, "twofold-e2e", "moto", "bin", "moto_server")
	if _, err := os.Stat(path); err != nil {
		return "", fmt.Errorf("%w: run e2e/install.sh, or set TWOFOLD_MOTO_SERVER", err)
	}
	return path, nil
}

var motoAddress = regexp.MustCompile(`Running on (http://127\.0\.0\.1:\d+)`)

// startCloud starts moto_server on a free port, and the proxy before it.
func startCloud() (*cloud, func(), error) {
	path, err := motoServer()
	if err != nil {
		return nil, nil, err
	}
	cmd := exec.Command(path, "-H", "127.0.0.1", "-p", "0")
	// Its threads hand over big lists of log lines; none of it is wanted.
	out, err := cmd.StderrPipe()
	if err != nil {
		return nil, nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, nil, err
	}
	stop := func() {
		cmd.Process.Kill()
		cmd.Wait()
	}
	address := make(chan string, 1)
	go func() {
		var text bytes.Buffer
		buffer := make([]byte, 4096)
		for {
			n, err := out.Read(buffer)
			if text.Len() < 64<<10 {
				text.Write(buffer[:n])
				if m := motoAddress.FindSubmatch(text.Bytes()); m != nil {
					select {
					case address <- string(m[1]):
					default:
					}
				}
			}
			if err != nil {
				return
			}
		}
	}()
	select {
	case to := <-address:
		c, err := newCloud(to)
		if err != nil {
			stop()
			return nil, nil, err
		}
		return c, func() { c.server.Close(); stop() }, nil
	case <-time.After(time.Minute):
		stop()
		return nil, nil, fmt.Errorf("moto_server does not start")
	}
}

// call is a request to AWS as it went through the proxy.
type call struct {
	n              int
	service        string
	method, target string
	body           []byte
}

func (c call) String() string { return c.service + " " + c.method + " " + c.target }

// verdict is what the proxy does to a call.
type verdict struct {
	// before ends the connection before AWS sees the call, and after when it has
	// taken effect.
	before, after bool
	// answer replaces AWS' answer, without its seeing the call.
	answer func(w http.ResponseWriter)
	// edit changes the answer.
	edit func(*http.Response, []byte) []byte
}

// cloud is the proxy.
type cloud struct {
	url    string
	moto   string
	proxy  *httputil.ReverseProxy
	server *http.Server

	mu    sync.Mutex
	calls []call
	// judge decides about each call; nil lets all pass.
	judge func(call) verdict
	// run answers an invocation of a version or an alias of a function.
	run func(function, qualifier string, event []byte) (payload []byte, failed bool)
	// healthy are the versions that have answered 2xx, as "function:version".
	healthy map[string]bool
	// aliases are those that event source mappings were made with, by their ids.
	aliases map[string]string
	watch   watch
}

func (c *cloud) set(judge func(call) verdict, run func(function, qualifier string, event []byte) ([]byte, bool)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.calls, c.judge, c.run = nil, judge, run
}

func (c *cloud) made() []call {
	c.mu.Lock()
	defer c.mu.Unlock()
	return append([]call(nil), c.calls...)
}

var (
	scope      = regexp.MustCompile(`Credential=[^/]+/\d+/[^/]+/([^/]+)/`)
	invocation = regexp.MustCompile(`^/2015-03-31/functions/([^/]+)/invocations$`)
)

func (c *cloud) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	one := call{method: r.Method, target: r.URL.RequestURI(), body: body}
	if m := scope.FindStringSubmatch(r.Header.Get("Authorization")); m != nil {
		one.service = m[1]
	}
	if name := r.Header.Get("X-Amz-Target"); name != "" {
		one.target = name
	}
	if values, err := url.ParseQuery(string(body)); err == nil && values.Get("Action") != "" {
		one.target = values.Get("Action")
	}
	c.mu.Lock()
	one.n = len(c.calls) + 1
	c.calls = append(c.calls, one)
	judge, run := c.judge, c.run
	c.mu.Unlock()
	var v verdict
	if judge != nil {
		v = judge(one)
	}
	if v.before {
		panic(http.ErrAbortHandler)
	}
	if v.answer != nil {
		v.answer(w)
		return
	}
	record := &answer{header: http.Header{}, status: http.StatusOK}
	if m := invocation.FindStringSubmatch(r.URL.Path); m != nil && run != nil {
		c.invoke(record, run, m[1], r.URL.Query().Get("Qualifier"), body)
	} else if isMapping(r.URL) {
		c.mapping(record, r, body)
	} else if strings.HasSuffix(r.URL.Path, "/operation/GetMetricData") {
		c.watch.answer(record, body)
	} else {
		r.Body = io.NopCloser(bytes.NewReader(body))
		r.ContentLength = int64(len(body))
		c.proxy.ServeHTTP(record, r)
	}
	if v.after {
		panic(http.ErrAbortHandler)
	}
	content := record.body.Bytes()
	if v.edit != nil {
		content = v.edit(&http.Response{StatusCode: record.status, Header: record.header}, content)
	}
	for name, values := range record.header {
		w.Header()[name] = values
	}
	w.Header().Set("Content-Length", fmt.Sprint(len(content)))
	w.WriteHeader(record.status)
	w.Write(content)
}

func (c *cloud) invoke(w *answer, run func(string, string, []byte) ([]byte, bool), function, qualifier string, event []byte) {
	payload, failed := run(function, qualifier, event)
	if failed {
		w.header.Set("X-Amz-Function-Error", "Unhandled")
	} else if status, err := answerStatus(payload); err == nil && status/100 == 2 {
		c.mu.Lock()
		c.healthy[function+":"+qualifier] = true
		c.mu.Unlock()
	}
	w.header.Set("X-Amz-Executed-Version", qualifier)
	w.body.Write(payload)
}

// answer is an answer that is not sent yet.
type answer struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func (a *answer) Header() http.Header         { return a.header }
func (a *answer) WriteHeader(status int)      { a.status = status }
func (a *answer) Write(p []byte) (int, error) { return a.body.Write(p) }

// awsError is an answer of AWS to a call that it refuses.
func awsError(status int, code, message string) func(http.ResponseWriter) {
	return func(w http.ResponseWriter) {
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("X-Amzn-Errortype", code)
		w.WriteHeader(status)
		fmt.Fprintf(w, `{"__type":%q,"Type":"User","message":%q,"Message":%q}`, code, message, message)
	}
}

// quick is a target that does not wait long.
func quick(t *testing.T, v schema.Values) *Target {
	t.Helper()
	if v == nil {
		v = schema.Values{}
	}
	if !v.Has("region") {
		v["region"] = "eu-west-1"
	}
	s, err := read(v)
	if err != nil {
		t.Fatal(err)
	}
	return newTarget("functions", s, pace{first: time.Millisecond, most: 20 * time.Millisecond, patience: 20 * time.Second, backoff: time.Millisecond, tries: 4, follow: 5 * time.Millisecond})
}

// healthyApp is an app that answers its health path.
func healthyApp(string, string, []byte) ([]byte, bool) { return []byte(`{"statusCode":200}`), false }

// environmentOf is a name for an environment of a test that no other has.
func environmentOf(t *testing.T, n int) string {
	name := strings.ToLower(strings.NewReplacer("/", "-", "_", "-").Replace(t.Name()))
	return fmt.Sprintf("%s-%d", name[max(0, len(name)-30):], n)
}

func deploymentOf(environment string) targets.Deployment {
	return targets.Deployment{
		Key:     targets.Key{Project: "shop", Service: "api", Environment: environment},
		Release: releases.One, Port: 8080, Health: "/healthz", Start: 50 * time.Millisecond,
		Env: map[string]string{"LOG_LEVEL": "info"}, Memory: 256 << 20, Timeout: 20 * time.Second, Scale: targets.Scale{Max: 20},
	}
}

// askMoto asks moto itself, which tells the service and the region from the signature.
func askMoto(t *testing.T, method, path, body string) *http.Response {
	t.Helper()
	req, err := http.NewRequestWithContext(context.Background(), method, motoCloud.moto+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=test/20261123/eu-west-1/lambda/aws4_request, SignedHeaders=host, Signature=0")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	return resp
}

// checkAlias asks moto itself whether the alias points to a version that has answered
// its health check. No alias is fine.
func checkAlias(t *testing.T, k targets.Key) {
	t.Helper()
	resp := askMoto(t, http.MethodGet, "/2015-03-31/functions/"+functionName(k)+"/aliases/"+aliasName, "")
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	if resp.StatusCode == http.StatusNotFound {
		return
	}
	m := regexp.MustCompile(`"FunctionVersion": ?"(\d+)"`).FindSubmatch(body)
	if m == nil {
		t.Fatalf("the alias is %s", body)
	}
	motoCloud.mu.Lock()
	defer motoCloud.mu.Unlock()
	if !motoCloud.healthy[functionName(k)+":"+string(m[1])] {
		t.Errorf("the alias points to version %s, which has not answered its health check", m[1])
	}
}
