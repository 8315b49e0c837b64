//go:build e2e

package lambda

import (
	"bytes"
	"context"
	"debug/elf"
	"encoding/binary"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/twofoldhq/twofold/build"
	"github.com/twofoldhq/twofold/manifest/schema"
	"github.com/twofoldhq/twofold/release"
	"github.com/twofoldhq/twofold/targets"
	"github.com/twofoldhq/twofold/targets/conformance"
	"github.com/twofoldhq/twofold/targets/lambda/mototest"
)

// The tests talk to moto_server, an emulation of AWS by others, through a proxy of
// ours that fails calls, and that answers invocations: moto runs no functions.
var (
	motoFront *front
	// motoCloud is the account of the tests that run one after the other.
	motoCloud *cloud
	releases  *conformance.Releases
	// temporary is gone when the tests have ended.
	temporary string
)

func TestMain(m *testing.M) {
	flag.Parse()
	if err := runSideBySide(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(withCloud(m))
}

func withCloud(m *testing.M) int {
	dir, err := os.MkdirTemp("", "twofold-lambda-*")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	temporary = dir
	if releases, err = smallReleases(context.Background(), dir); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	stop, err := startClouds()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer stop()
	config, credentials := filepath.Join(dir, "config"), filepath.Join(dir, "credentials")
	if err := motoFront.writeProfiles(config, credentials); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	for name, value := range map[string]string{
		"AWS_ENDPOINT_URL": motoFront.url, "AWS_ACCESS_KEY_ID": motoCloud.key, "AWS_SECRET_ACCESS_KEY": "test", "AWS_SESSION_TOKEN": "",
		"AWS_CONFIG_FILE": config, "AWS_SHARED_CREDENTIALS_FILE": credentials, "AWS_PROFILE": "",
	} {
		os.Setenv(name, value)
	}
	result := m.Run()
	if result == 0 && everyTestRan() {
		if unused := unusedActions(); len(unused) > 0 {
			fmt.Fprintf(os.Stderr, "policy.go allows what no test calls: %q: take it out, or say why it stays in notCalled\n", unused)
			return 1
		}
	}
	return result
}

// smallReleases are two releases whose bundles hold little beside the adapter: moto runs
// nothing, and each deploy sends a bundle.
func smallReleases(ctx context.Context, dir string) (*conformance.Releases, error) {
	store, err := release.OpenStore(filepath.Join(dir, "store"))
	if err != nil {
		return nil, err
	}
	assemble := func(version string) (*release.Release, error) {
		server := filepath.Join(dir, "server-"+version)
		if err := os.WriteFile(server, program(version), 0o755); err != nil {
			return nil, err
		}
		info, err := os.Lstat(server)
		if err != nil {
			return nil, err
		}
		tree := &build.Tree{
			Platform: build.Platform{OS: "linux", Arch: "amd64"}, Command: []string{"./server"},
			Files: []build.File{{Path: "server", Source: server, Info: info, Executable: true}},
		}
		return release.Assemble(ctx, store, release.Spec{Project: "shop", Service: "api", Port: 8080, Health: "/healthz", Trees: []*build.Tree{tree}}, release.Options{})
	}
	r := new(conformance.Releases)
	if r.One, err = assemble("one"); err != nil {
		return nil, err
	}
	r.Two, err = assemble("two")
	return r, err
}

// program is an empty one for Linux on amd64.
func program(version string) []byte {
	header := elf.Header64{Type: uint16(elf.ET_EXEC), Machine: uint16(elf.EM_X86_64), Version: uint32(elf.EV_CURRENT), Entry: 0x400078, Ehsize: 64, Phentsize: 56}
	copy(header.Ident[:], elf.ELFMAG)
	header.Ident[elf.EI_CLASS], header.Ident[elf.EI_DATA], header.Ident[elf.EI_VERSION] = byte(elf.ELFCLASS64), byte(elf.ELFDATA2LSB), byte(elf.EV_CURRENT)
	var b bytes.Buffer
	_ = binary.Write(&b, binary.LittleEndian, header) // a buffer takes everything
	b.WriteString("version " + version)
	return b.Bytes()
}

// startClouds starts two moto_servers, since one does one thing at a time, and the
// proxy before them.
func startClouds() (func(), error) {
	first, stopFirst, err := mototest.Start()
	if err != nil {
		return nil, err
	}
	second, stopSecond, err := mototest.Start()
	if err != nil {
		stopFirst()
		return nil, err
	}
	if motoFront, err = newFront(first, second); err != nil {
		stopFirst()
		stopSecond()
		return nil, err
	}
	motoCloud = motoFront.cloud("test")
	return func() {
		motoFront.server.Close()
		stopFirst()
		stopSecond()
	}, nil
}

// call is a request to AWS as it went through the proxy.
type call struct {
	n              int
	service        string
	method, target string
	// path is that of the URL, with its query; target may be the name of an operation.
	path string
	body []byte
	// status is that of AWS' answer, 0 for none, and answer is its body.
	status int
	answer []byte
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

// cloud is an account of AWS, with a proxy before it.
type cloud struct {
	front *front
	url   string
	moto  string
	proxy *httputil.ReverseProxy
	// key is its access key, and the name of its profile.
	key, account string

	mu    sync.Mutex
	calls []call
	// judge decides about each call; nil lets all pass.
	judge func(call) verdict
	// run answers an invocation of a version or an alias of a function.
	run func(function, qualifier string, event []byte) (payload []byte, failed bool)
	// healthy are the versions that have answered 2xx, as "function:version".
	healthy map[string]bool
	// mappings mends what moto answers about event source mappings.
	mappings mototest.Mappings
	// domains are what was changed of domain names, by those.
	domains map[string]*changedDomain
	watch   watch
	// ready are the instances that are kept ready, by "function:version".
	ready map[string]*provision
	// kept is what moto forgets, by "function" and "function:version".
	kept map[string]map[string]any
	// hasSources: the account has a queue and a bucket for triggers.
	making     sync.Mutex
	hasSources bool
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
	one := call{method: r.Method, target: r.URL.RequestURI(), path: r.URL.RequestURI(), body: body}
	if m := scope.FindStringSubmatch(r.Header.Get("Authorization")); m != nil {
		one.service = m[1]
	}
	if name := r.Header.Get("X-Amz-Target"); name != "" {
		one.target = name
	}
	if strings.HasPrefix(r.Header.Get("Content-Type"), "application/x-www-form-urlencoded") {
		if values, err := url.ParseQuery(string(body)); err == nil && values.Get("Action") != "" {
			one.target = values.Get("Action")
		}
	}
	c.front.called(c, one)
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
	} else if m := readyPath.FindStringSubmatch(r.URL.Path); m != nil {
		c.provisioned(record, r, m[1], body)
	} else if isDomain(r.URL) {
		c.domain(record, r, body)
	} else if mototest.IsMapping(r.URL) {
		c.mappings.Forward(c.proxy, record, r, body)
	} else if strings.HasSuffix(r.URL.Path, "/operation/GetMetricData") {
		c.watch.answer(record, body)
	} else {
		r.Body = io.NopCloser(bytes.NewReader(body))
		r.ContentLength = int64(len(body))
		c.proxy.ServeHTTP(record, r)
		record.mend(one)
		if one.service == "lambda" {
			c.remember(r, r.URL, body, record)
		}
	}
	c.mu.Lock()
	if one.n <= len(c.calls) && c.calls[one.n-1].path == one.path {
		c.calls[one.n-1].status, c.calls[one.n-1].answer = record.status, bytes.Clone(record.body.Bytes())
	}
	c.mu.Unlock()
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

// mend makes an answer of moto the one that AWS gives: moto fails when it is to delete a
// schedule group that is not there.
func (a *answer) mend(c call) {
	if c.service != "scheduler" || c.method != http.MethodDelete || a.status != http.StatusInternalServerError {
		return
	}
	a.header, a.status = http.Header{"Content-Type": {"application/json"}, "X-Amzn-Errortype": {"ResourceNotFoundException"}}, http.StatusNotFound
	a.body.Reset()
	a.body.WriteString(`{"Message":"it does not exist"}`)
}

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
func quick(t *testing.T, v schema.Values) *Target { return motoCloud.quick(t, v) }

func (c *cloud) quick(t *testing.T, v schema.Values) *Target {
	t.Helper()
	all := schema.Values{"region": "eu-west-1"}
	maps.Copy(all, v)
	if c != motoCloud {
		all["profile"] = c.key
	}
	s, err := read(all)
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
	return motoCloud.ask(t, method, path, body)
}

func (c *cloud) ask(t *testing.T, method, path, body string) *http.Response {
	t.Helper()
	req, err := http.NewRequestWithContext(context.Background(), method, c.moto+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=test/20261123/eu-west-1/lambda/aws4_request, SignedHeaders=host, Signature=0")
	req.Header.Set(accountHeader, c.account)
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
	motoCloud.checkTraffic(t, k)
}

// checkTraffic is the same of each version that has a part of the traffic.
func (c *cloud) checkTraffic(t *testing.T, k targets.Key) {
	t.Helper()
	live, weights := c.alias(t, k)
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, version := range append(slices.Sorted(maps.Keys(weights)), live) {
		if version != "" && !c.healthy[functionName(k)+":"+version] {
			t.Errorf("the alias points to version %s, which has not answered its health check", version)
		}
	}
}

// alias asks moto itself, and returns every version that the alias points to, or "".
func (c *cloud) alias(t *testing.T, k targets.Key) (live string, weights map[string]float64) {
	t.Helper()
	resp := c.ask(t, http.MethodGet, "/2015-03-31/functions/"+functionName(k)+"/aliases/"+aliasName, "")
	defer resp.Body.Close()
	if resp.StatusCode == http.StatusNotFound {
		return "", nil
	}
	var a struct {
		FunctionVersion string
		RoutingConfig   *struct{ AdditionalVersionWeights map[string]float64 }
	}
	if err := json.NewDecoder(resp.Body).Decode(&a); err != nil || a.FunctionVersion == "" {
		t.Fatalf("the alias is %+v: %v", a, err)
	}
	if a.RoutingConfig != nil {
		weights = a.RoutingConfig.AdditionalVersionWeights
	}
	return a.FunctionVersion, weights
}
