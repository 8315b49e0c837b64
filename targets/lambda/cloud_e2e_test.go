//go:build e2e

package lambda

import (
	"bytes"
	"flag"
	"fmt"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
)

// accountsBeside is how many accounts there are for tests that run beside others.
const accountsBeside = 16

// front is the one address of all clouds: each is an account of its own, which the
// access key of a call names.
type front struct {
	url    string
	server *http.Server
	motos  []*url.URL

	mu     sync.Mutex
	clouds map[string]*cloud
	free   chan *cloud
	// actions are those that the tests have called for, as IAM calls them.
	actions map[string]bool
}

// newFront starts the proxy before moto_servers.
func newFront(motos ...string) (*front, error) {
	f := &front{clouds: map[string]*cloud{}, free: make(chan *cloud, accountsBeside), actions: map[string]bool{}}
	for _, moto := range motos {
		to, err := url.Parse(moto)
		if err != nil {
			return nil, err
		}
		f.motos = append(f.motos, to)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	f.url = "http://" + listener.Addr().String()
	f.server = &http.Server{Handler: f}
	go f.server.Serve(listener)
	return f, nil
}

// cloud makes an account. Its access key is its profile's name too.
func (f *front) cloud(key string) *cloud {
	f.mu.Lock()
	defer f.mu.Unlock()
	n := len(f.clouds)
	to := f.motos[n%len(f.motos)]
	account := fmt.Sprintf("1234567%05d", 89012+n)
	c := &cloud{front: f, url: f.url, moto: to.String(), key: key, account: account, healthy: map[string]bool{}}
	c.proxy = &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(to)
			r.Out.Host = r.In.Host
			r.Out.Header.Set(accountHeader, account)
		},
	}
	f.clouds[key] = c
	return c
}

// accountHeader names the account that moto takes a call to be of.
const accountHeader = "X-Moto-Account-Id"

var accessKey = regexp.MustCompile(`Credential=([^/]+)/`)

func (f *front) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	m := accessKey.FindStringSubmatch(r.Header.Get("Authorization"))
	if m == nil {
		http.Error(w, "the call is not signed", http.StatusForbidden)
		return
	}
	f.mu.Lock()
	c := f.clouds[m[1]]
	f.mu.Unlock()
	if c == nil {
		http.Error(w, "no such access key", http.StatusForbidden)
		return
	}
	c.ServeHTTP(w, r)
}

// called keeps which rights a call needs. Of a bundle, the ends are enough for that.
func (f *front) called(c *cloud, one call) {
	const ends = 32 << 10
	if most := len(one.body) - ends; most > ends {
		one.body = append(bytes.Clone(one.body[:ends]), one.body[most:]...)
	}
	rights := rightsOf(one, "*", c.account)
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, r := range rights {
		f.actions[r.action] = true
	}
}

// writeProfiles makes the accounts beside, with a profile for each of them in the
// files of the AWS configuration.
func (f *front) writeProfiles(configuration, credentials string) error {
	var names, keys strings.Builder
	for n := range accountsBeside {
		c := f.cloud(fmt.Sprintf("beside%d", n))
		fmt.Fprintf(&names, "[profile %s]\nregion = eu-west-1\n", c.key)
		fmt.Fprintf(&keys, "[%s]\naws_access_key_id = %s\naws_secret_access_key = test\n", c.key, c.key)
		f.free <- c
	}
	if err := os.WriteFile(configuration, []byte(names.String()), 0o600); err != nil {
		return err
	}
	return os.WriteFile(credentials, []byte(keys.String()), 0o600)
}

// beside lets a test run beside others, in an account of its own.
func beside(t *testing.T) *cloud {
	t.Helper()
	t.Parallel()
	c := <-motoFront.free
	t.Cleanup(func() {
		c.set(nil, nil)
		motoFront.free <- c
	})
	return c
}

// everyTestRan reports whether the tests were not chosen from.
func everyTestRan() bool {
	return flag.Lookup("test.run").Value.String() == "" && flag.Lookup("test.skip").Value.String() == "" && flag.Lookup("test.list").Value.String() == ""
}

// sideBySide is how many tests run beside each other at least: most of their time they
// wait for moto.
const sideBySide = 4

func runSideBySide() error {
	if runtime.GOMAXPROCS(0) >= sideBySide {
		return nil
	}
	return flag.Set("test.parallel", fmt.Sprint(sideBySide))
}

// keyed is a session of any account.
func (c *cloud) keyed(t *testing.T) *session {
	t.Helper()
	file := filepath.Join(t.TempDir(), "credentials")
	text := fmt.Sprintf("[%s]\naws_access_key_id = %s\naws_secret_access_key = test\nregion = eu-west-1\n", c.key, c.key)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	cfg, err := config.LoadDefaultConfig(t.Context(), config.WithSharedCredentialsFiles([]string{file}), config.WithSharedConfigProfile(c.key), config.WithRegion("eu-west-1"))
	if err != nil {
		t.Fatal(err)
	}
	return &session{
		region: "eu-west-1", account: c.account, partition: "aws",
		sqs: sqs.NewFromConfig(cfg), s3: s3.NewFromConfig(cfg, func(o *s3.Options) { o.UsePathStyle = true }),
		secretsManager: secretsmanager.NewFromConfig(cfg), ssm: ssm.NewFromConfig(cfg),
	}
}
