//go:build e2e

package e2e

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/twofoldhq/twofold/targets/lambda/mototest"
)

// lambdaCloud is AWS with functions that run. moto keeps what is called for and runs
// nothing: this stands before it, and runs each version that moto has under the
// emulation of Lambda that the target local has. Only what moto says of versions,
// aliases, rights and secrets counts.
type lambdaCloud struct {
	t    *testing.T
	moto string
	url  string
	// proxy hands on what it does not answer itself.
	proxy *httputil.ReverseProxy

	mu sync.Mutex
	// bundles are the zip files that were sent, by their sums as Lambda writes them.
	bundles map[string][]byte
	// hosts are the functions with an alias, "name:alias", by the hosts of their URLs.
	hosts map[string]string
	// routes are what moto says of aliases, until something of the function changes.
	routes map[string]*route
	// running are the versions that run, by "name:version".
	running  map[string]*runningVersion
	logs     logSink
	mappings mototest.Mappings
}

// route is where an alias leads.
type route struct {
	version string
	weights map[string]float64
	// open says that everybody may call its URL.
	open bool
}

func newLambdaCloud(t *testing.T) *lambdaCloud {
	t.Helper()
	moto, stop, err := mototest.Start()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(stop)
	to, err := url.Parse(moto)
	if err != nil {
		t.Fatal(err)
	}
	c := &lambdaCloud{
		t: t, moto: moto, bundles: map[string][]byte{}, hosts: map[string]string{}, routes: map[string]*route{}, running: map[string]*runningVersion{},
		proxy: &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(to)
			r.Out.Host = r.In.Host
		}},
	}
	c.logs.start(c)
	server := httptest.NewServer(http.HandlerFunc(c.serve))
	c.url = server.URL
	t.Cleanup(func() {
		server.Close()
		c.mu.Lock()
		defer c.mu.Unlock()
		for _, v := range c.running {
			v.close()
		}
		c.logs.end()
	})
	return c
}

// client reaches the URLs of functions; each request has a connection of its own.
func (c *lambdaCloud) client() *http.Client {
	address := strings.TrimPrefix(c.url, "http://")
	return &http.Client{Timeout: 30 * time.Second, Transport: roundTripper(func(r *http.Request) (*http.Response, error) {
		r = r.Clone(r.Context())
		r.URL.Scheme = "http" // The end of TLS is AWS' own.
		plain := &http.Transport{DisableKeepAlives: true, DisableCompression: true, DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, network, address)
		}}
		return plain.RoundTrip(r)
	})}
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

var (
	functionPath   = regexp.MustCompile(`^/20\d\d-\d\d-\d\d/functions/([^/]+)(/.*)?$`)
	invocationPath = regexp.MustCompile(`^/2015-03-31/functions/([^/]+)/invocations$`)
)

func (c *lambdaCloud) serve(w http.ResponseWriter, r *http.Request) {
	if strings.Contains(r.Host, ".lambda-url.") {
		c.visit(w, r)
		return
	}
	if m := invocationPath.FindStringSubmatch(r.URL.Path); m != nil {
		c.invoke(w, r, m[1])
		return
	}
	if mototest.IsMapping(r.URL) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			panic(http.ErrAbortHandler)
		}
		c.mappings.Forward(c.proxy, w, r, body)
		return
	}
	m := functionPath.FindStringSubmatch(r.URL.Path)
	if m == nil && !strings.HasPrefix(r.URL.Path, "/2015-03-31/functions") {
		c.proxy.ServeHTTP(w, r)
		return
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	answer := httptest.NewRecorder()
	c.proxy.ServeHTTP(answer, r)
	if r.Method != http.MethodGet && answer.Code < 300 {
		c.changed(m, r, body)
	}
	if m != nil && m[2] == "/url" && r.Method != http.MethodDelete {
		c.addressed(m[1], r.URL.Query().Get("Qualifier"), answer.Body.Bytes())
	}
	for name, values := range answer.Header() {
		w.Header()[name] = values
	}
	w.WriteHeader(answer.Code)
	w.Write(answer.Body.Bytes())
}

// changed keeps the bundle that was sent, and forgets what was known of the function.
func (c *lambdaCloud) changed(m []string, r *http.Request, body []byte) {
	var sent struct {
		FunctionName string
		bundleSource
		Code bundleSource
	}
	_ = json.Unmarshal(body, &sent) // Not each call has a body, or one like this.
	name := sent.FunctionName
	if m != nil {
		name = m[1]
	}
	bundle := append(c.bundle(sent.bundleSource), c.bundle(sent.Code)...)
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(bundle) > 0 {
		sum := sha256.Sum256(bundle)
		c.bundles[base64.StdEncoding.EncodeToString(sum[:])] = bundle
	}
	for alias := range c.routes {
		if strings.HasPrefix(alias, name+":") {
			delete(c.routes, alias)
		}
	}
	if r.Method != http.MethodDelete || m[2] != "" {
		return
	}
	for id, v := range c.running {
		if id == name+":"+r.URL.Query().Get("Qualifier") || r.URL.Query().Get("Qualifier") == "" && strings.HasPrefix(id, name+":") {
			delete(c.running, id)
			go v.close()
		}
	}
}

// bundleSource is where a call has its bundle.
type bundleSource struct {
	ZipFile         []byte
	S3Bucket, S3Key string
}

// bundle returns the bundle that was sent, in the call or through a bucket.
func (c *lambdaCloud) bundle(from bundleSource) []byte {
	if from.S3Bucket == "" {
		return from.ZipFile
	}
	req, err := http.NewRequest(http.MethodGet, c.moto+"/"+from.S3Bucket+"/"+from.S3Key, nil)
	if err != nil {
		c.t.Error(err)
		return nil
	}
	req.Header.Set("Authorization", signedFor("s3"))
	answer, err := http.DefaultClient.Do(req)
	if err != nil {
		c.t.Error(err)
		return nil
	}
	defer answer.Body.Close()
	content, err := io.ReadAll(answer.Body)
	if err != nil || answer.StatusCode != http.StatusOK {
		c.t.Errorf("the bundle %s/%s: %s, %v", from.S3Bucket, from.S3Key, answer.Status, err)
		return nil
	}
	return content
}

// addressed learns the host of a function's URL.
func (c *lambdaCloud) addressed(name, alias string, answer []byte) {
	var config struct{ FunctionUrl string }
	if json.Unmarshal(answer, &config) != nil || config.FunctionUrl == "" {
		return
	}
	if u, err := url.Parse(config.FunctionUrl); err == nil {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.hosts[u.Host] = name + ":" + alias
	}
}

// visit is a request to a function's URL.
func (c *lambdaCloud) visit(w http.ResponseWriter, r *http.Request) {
	c.mu.Lock()
	id := c.hosts[r.Host]
	c.mu.Unlock()
	name, alias, _ := strings.Cut(id, ":")
	to, err := c.route(name, alias)
	if err != nil || !to.open {
		w.Header().Set("X-Amzn-Errortype", "AccessDeniedException")
		http.Error(w, `{"Message":"Forbidden"}`, http.StatusForbidden)
		return
	}
	v, err := c.version(name, to.pick())
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	v.function.ServeHTTP(w, r)
}

// invoke is the call Invoke of Lambda's API.
func (c *lambdaCloud) invoke(w http.ResponseWriter, r *http.Request, name string) {
	event, err := io.ReadAll(r.Body)
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	version := r.URL.Query().Get("Qualifier")
	if !isNumber(version) {
		to, err := c.route(name, version)
		if err != nil {
			refuse(w, http.StatusNotFound, "ResourceNotFoundException", err.Error())
			return
		}
		version = to.pick()
	}
	v, err := c.version(name, version)
	if err != nil {
		refuse(w, http.StatusNotFound, "ResourceNotFoundException", err.Error())
		return
	}
	result, err := v.function.Invoke(r.Context(), event)
	if err != nil {
		refuse(w, http.StatusTooManyRequests, "TooManyRequestsException", err.Error())
		return
	}
	if result.FunctionError != "" {
		w.Header().Set("X-Amz-Function-Error", result.FunctionError)
	}
	if r.Header.Get("X-Amz-Log-Type") == "Tail" {
		w.Header().Set("X-Amz-Log-Result", base64.StdEncoding.EncodeToString([]byte(result.Log)))
	}
	w.Header().Set("X-Amz-Executed-Version", version)
	w.Write(result.Payload)
}

func isNumber(s string) bool { return s != "" && strings.Trim(s, "0123456789") == "" }

func refuse(w http.ResponseWriter, status int, code, message string) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("X-Amzn-Errortype", code)
	w.WriteHeader(status)
	fmt.Fprintf(w, `{"Type":"User","Message":%q}`, message)
}

// route returns where an alias leads, as moto says.
func (c *lambdaCloud) route(name, alias string) (*route, error) {
	c.mu.Lock()
	known := c.routes[name+":"+alias]
	c.mu.Unlock()
	if known != nil {
		return known, nil
	}
	var is struct {
		FunctionVersion string
		RoutingConfig   struct{ AdditionalVersionWeights map[string]float64 }
	}
	if err := c.ask("lambda", "/2015-03-31/functions/"+name+"/aliases/"+alias, "", nil, &is); err != nil {
		return nil, err
	}
	var policy struct{ Policy string }
	// No policy is an error too: nobody may call it then.
	_ = c.ask("lambda", "/2015-03-31/functions/"+name+"/policy?Qualifier="+alias, "", nil, &policy)
	to := &route{is.FunctionVersion, is.RoutingConfig.AdditionalVersionWeights, strings.Contains(policy.Policy, "lambda:InvokeFunctionUrl")}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.routes[name+":"+alias] = to
	return to, nil
}

// pick chooses a version by the weights, as Lambda does for each request.
func (r *route) pick() string {
	at := rand.Float64()
	for version, weight := range r.weights {
		if at -= weight; at < 0 {
			return version
		}
	}
	return r.version
}

// signedFor is a signature of which moto reads the account and the service.
func signedFor(service string) string {
	return "AWS4-HMAC-SHA256 Credential=test/20261123/eu-west-1/" + service + "/aws4_request, SignedHeaders=host, Signature=0"
}

// ask asks moto itself. With an operation, the call is one of a JSON API.
func (c *lambdaCloud) ask(service, path, operation string, in, out any) error {
	method, body := http.MethodGet, []byte(nil)
	if operation != "" {
		method = http.MethodPost
		body, _ = json.Marshal(in)
	}
	req, err := http.NewRequest(method, c.moto+path, bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Authorization", signedFor(service))
	if operation != "" {
		req.Header.Set("X-Amz-Target", operation)
		req.Header.Set("Content-Type", "application/x-amz-json-1.1")
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	content, err := io.ReadAll(resp.Body)
	if err != nil {
		return err
	}
	if resp.StatusCode >= 300 {
		return fmt.Errorf("%s%s answers %s: %s", path, operation, resp.Status, content)
	}
	if out == nil {
		return nil
	}
	return json.Unmarshal(content, out)
}
