//go:build e2e

package kubernetes

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	schemas "k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/twofoldhq/twofold/manifest/schema"
	"github.com/twofoldhq/twofold/targets"
	"github.com/twofoldhq/twofold/targets/conformance"
	"github.com/twofoldhq/twofold/targets/kubernetes/kubetest"
)

// wire stands between a command and the API server, and can be cut. Calls that change
// something are counted; those that renew the lock are not, for they come at any time.
type wire struct {
	http.Handler
	// point is where it is cut; the zero value is nowhere.
	point killPoint
	// cut is closed then.
	cut chan struct{}

	mu    sync.Mutex
	calls []string
}

// killPoint is between two calls: before one, or after it, of which no answer comes.
type killPoint struct {
	call  int // from 1
	after bool
}

// newWire is a wire that is not cut, and the kubeconfig that goes over it.
func newWire(t *testing.T, c *kubetest.Cluster) (*wire, string) {
	t.Helper()
	w := &wire{cut: make(chan struct{}), Handler: toServer(t, c)}
	server := httptest.NewServer(w)
	t.Cleanup(server.Close)
	return w, kubeconfigOf(t, server.URL)
}

// toServer hands requests to the API server, as the administrator's.
func toServer(t *testing.T, c *kubetest.Cluster) http.Handler {
	t.Helper()
	config, err := clientcmd.BuildConfigFromFlags("", c.Kubeconfig)
	if err != nil {
		t.Fatal(err)
	}
	transport, err := rest.TransportFor(config)
	if err != nil {
		t.Fatal(err)
	}
	to, err := url.Parse(config.Host)
	if err != nil {
		t.Fatal(err)
	}
	return &httputil.ReverseProxy{
		Rewrite:       func(r *httputil.ProxyRequest) { r.SetURL(to) },
		Transport:     transport,
		FlushInterval: -1,
		// A call that is cut off is what the test is about.
		ErrorHandler: func(http.ResponseWriter, *http.Request, error) { panic(http.ErrAbortHandler) },
	}
}

// kubeconfigOf is the path of a kubeconfig with a server that asks for no credentials.
func kubeconfigOf(t *testing.T, server string) (path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "kubeconfig")
	text := fmt.Sprintf(`{apiVersion: v1, kind: Config, current-context: x, clusters: [{name: x, cluster: {server: "%s"}}],
contexts: [{name: x, context: {cluster: x, user: x}}], users: [{name: x, user: {}}]}`, server)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func (w *wire) ServeHTTP(out http.ResponseWriter, r *http.Request) {
	changes := r.Method != http.MethodGet && r.URL.Query().Get("dryRun") == "" && (r.Method != http.MethodPut || !strings.Contains(r.URL.Path, "/leases/"))
	w.mu.Lock()
	if changes {
		w.calls = append(w.calls, r.Method+" "+r.URL.Path[strings.LastIndex(r.URL.Path, "/namespaces/")+1:])
	}
	last := w.point.call > 0 && len(w.calls) >= w.point.call
	first := last && changes && len(w.calls) == w.point.call
	w.mu.Unlock()
	if !last {
		w.Handler.ServeHTTP(out, r)
		return
	}
	if first && w.point.after {
		w.Handler.ServeHTTP(httptest.NewRecorder(), r)
	}
	if first {
		close(w.cut)
	}
	panic(http.ErrAbortHandler)
}

// interrupted is a deployment whose commands are killed.
type interrupted struct {
	cluster  *kubetest.Cluster
	releases *conformance.Releases
	target   *Target // that nothing happens to
	url      string
	waited   bool // for a lock that nobody renews
}

// killedCommandsAreFinished kills commands between two calls to the API server: what
// served goes on or the new one does, and the next command makes it whole. A few points
// are tried, or with TWOFOLD_KILL_POINTS=all all of them.
func killedCommandsAreFinished(t *testing.T, c *kubetest.Cluster, releases *conformance.Releases) {
	i := &interrupted{cluster: c, releases: releases}
	i.target = i.open(t, c.Kubeconfig)
	deploy := func(release string) func(context.Context, *Target) error {
		return func(ctx context.Context, target *Target) error {
			_, err := target.Deploy(ctx, i.deployment(release))
			return err
		}
	}
	destroy := func(ctx context.Context, target *Target) error {
		_, err := target.Destroy(ctx, i.deployment("one").Key)
		return err
	}
	rollback := func(ctx context.Context, target *Target) error {
		_, err := target.rollback(ctx, targets.RollbackRequest{Key: i.deployment("one").Key})
		return err
	}
	nothing := func(t *testing.T) { i.do(t, destroy); i.leaves(t, nil) }
	only := func(release string) func(*testing.T) {
		return func(t *testing.T) { i.do(t, deploy(release)); i.serves(t, release) }
	}
	both := func(t *testing.T) { only("one")(t); only("two")(t) }

	i.kill(t, "a first deploy", 1, nothing, deploy("one"), nil, only("one"), nothing)
	i.kill(t, "a destroy", 2, only("one"), destroy, nil, nothing, only("one"))
	i.kill(t, "a deploy", 2, both, deploy("one"), []string{"one", "two"}, only("one"), only("two"))
	i.kill(t, "a rollback", 1, both, rollback, []string{"one", "two"}, func(t *testing.T) {
		// Who looks sees whether it has ended: only then is it not to be repeated.
		if st := i.status(t); st.Release == releases.One.Digest && st.Detail == "" {
			only("one")(t)
			return
		}
		i.do(t, rollback)
		i.serves(t, "one")
	}, only("two"))
	nothing(t)
}

// kill runs a command from the same beginning as often as there are points, and after
// it, in turn, one of the commands that may come next, whose end has to be the same as
// without the kill. While nothing has come next, one of the releases in serving answers.
func (i *interrupted) kill(t *testing.T, name string, some int, begin func(*testing.T), command func(context.Context, *Target) error, serving []string, next ...func(*testing.T)) {
	uninterrupted := func(finish func(*testing.T)) (calls, objects []string) {
		begin(t)
		w, kubeconfig := newWire(t, i.cluster)
		if err := command(t.Context(), i.open(t, kubeconfig)); err != nil {
			t.Fatal(err)
		}
		finish(t)
		return w.calls, i.objects(t)
	}
	whole := map[int][]string{}
	calls, objects := uninterrupted(next[0])
	whole[0] = objects
	t.Logf("%s makes %d calls that change something: %q", name, len(calls), calls)
	for _, p := range killPoints(len(calls), some) {
		finish := p.call % len(next)
		what := fmt.Sprintf("%s before call %d, %s", name, p.call, calls[p.call-1])
		if p.after {
			what = fmt.Sprintf("%s after call %d, %s", name, p.call, calls[p.call-1])
			finish = (p.call + 1) % len(next)
		}
		if _, known := whole[finish]; !known {
			_, whole[finish] = uninterrupted(next[finish])
		}
		t.Run(what, func(t *testing.T) {
			begin(t)
			w, kubeconfig := newWire(t, i.cluster)
			w.point = p
			ended := make(chan error, 1)
			ctx, kill := context.WithCancel(t.Context())
			defer kill()
			go func() { ended <- command(ctx, i.open(t, kubeconfig)) }()
			select {
			case <-w.cut:
				kill()
			case <-time.After(time.Minute):
				t.Fatal("it makes fewer calls than without a cut")
			}
			if got, err := ask(t.Context(), i.url+"/version"); serving != nil && (err != nil || !slices.Contains(serving, got)) {
				t.Errorf("after it, %q answers (%v)", got, err)
			}
			if i.waited {
				// As the time does after which it is taken over, for which the first waits.
				i.forgetLock(t)
			}
			i.waited = true
			next[finish](t)
			i.leaves(t, whole[finish])
			if err := <-ended; err == nil && p.call < len(calls) {
				t.Error("without a cluster it returns no error")
			}
		})
	}
}

func (i *interrupted) open(t *testing.T, kubeconfig string) *Target {
	t.Helper()
	target, err := Plugin().Open("killed", schema.Values{
		"kubeconfig": kubeconfig, "namespace": "shop", "registry": i.cluster.Registry + "/shop", "service_type": nodePort,
	})
	if err != nil {
		t.Fatal(err)
	}
	return target.(*Target)
}

// deployment has a Secret of its own for each release.
func (i *interrupted) deployment(release string) targets.Deployment {
	d := targets.Deployment{
		Key:     targets.Key{Project: "shop", Service: "killed", Environment: "prod"},
		Release: i.releases.One, Port: conformance.Port, Health: conformance.Health, Start: 30 * time.Second,
		Env: map[string]string{"TOKEN": hidden + release}, Sensitive: []string{"TOKEN"},
	}
	if release == "two" {
		d.Release = i.releases.Two
	}
	return d
}

func (i *interrupted) do(t *testing.T, command func(context.Context, *Target) error) {
	t.Helper()
	if err := command(t.Context(), i.target); err != nil {
		t.Fatal(err)
	}
}

func (i *interrupted) status(t *testing.T) targets.Status {
	t.Helper()
	list, err := i.target.Status(t.Context(), targets.Filter(i.deployment("one").Key))
	if err != nil || len(list) != 1 {
		t.Fatalf("the status is %+v (%v)", list, err)
	}
	return list[0]
}

// serves checks that a release is deployed, whole.
func (i *interrupted) serves(t *testing.T, release string) {
	t.Helper()
	i.url = i.status(t).URL
	until(t, i.url+"/version", release)
	if got, err := ask(t.Context(), i.url+"/env?name=TOKEN"); err != nil || got != hidden+release {
		t.Errorf("the variable of release %q is %q (%v)", release, got, err)
	}
	if plan, err := i.target.Plan(t.Context(), i.deployment(release)); err != nil || plan.Action != targets.ActionNone {
		t.Errorf("afterwards a deploy would do %+v (%v)", plan, err)
	}
}

// objects are the kinds of all that there is of it: names of Secrets are random.
func (i *interrupted) objects(t *testing.T) (list []string) {
	t.Helper()
	s, err := i.target.open(nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range []schemas.GroupVersionResource{deployments, services, configMaps, secrets, leases, networkPolicies, serviceAccounts, budgets} {
		found, err := s.list(t.Context(), r, query(labelInstance, "shop-killed-prod"))
		if err != nil {
			t.Fatal(err)
		}
		for range found {
			list = append(list, r.Resource)
		}
	}
	return list
}

func (i *interrupted) leaves(t *testing.T, want []string) {
	t.Helper()
	if left := i.objects(t); !slices.Equal(left, want) {
		t.Errorf("afterwards there is %q, want %q", left, want)
	}
}

func (i *interrupted) forgetLock(t *testing.T) {
	t.Helper()
	s, err := i.target.open(nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.remove(t.Context(), leases, "shop-killed-prod"); err != nil {
		t.Fatal(err)
	}
}

// killPoints are all points, or some of them: evenly spread.
func killPoints(calls, some int) (list []killPoint) {
	for n := 1; n <= calls; n++ {
		list = append(list, killPoint{n, false}, killPoint{n, true})
	}
	if os.Getenv("TWOFOLD_KILL_POINTS") == "all" {
		return list
	}
	var few []killPoint
	for n := range some {
		few = append(few, list[(2*n+1)*len(list)/(2*some)])
	}
	return few
}
