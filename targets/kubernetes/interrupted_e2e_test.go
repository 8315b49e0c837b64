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

	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/twofoldhq/twofold/manifest/schema"
	"github.com/twofoldhq/twofold/release"
	"github.com/twofoldhq/twofold/targets"
	"github.com/twofoldhq/twofold/targets/conformance"
	"github.com/twofoldhq/twofold/targets/kubernetes/kubetest"
)

// wire stands between a deploy and the API server, and can be cut. Calls that change
// something are counted; those that renew the lock are not, for they come at any time.
type wire struct {
	http.Handler

	mu    sync.Mutex
	calls []string
	// last is the call after which nothing gets through any more; passes says that it
	// still takes effect. 0 is never.
	last   int
	passes bool
	ended  func()
}

func newWire(t *testing.T, c *kubetest.Cluster) (*wire, string) {
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
	w := &wire{Handler: &httputil.ReverseProxy{
		Rewrite:       func(r *httputil.ProxyRequest) { r.SetURL(to) },
		Transport:     transport,
		FlushInterval: -1,
		// A call that is cut off is what the test is about.
		ErrorHandler: func(http.ResponseWriter, *http.Request, error) { panic(http.ErrAbortHandler) },
	}}
	server := httptest.NewServer(w)
	t.Cleanup(server.Close)
	kubeconfig := filepath.Join(t.TempDir(), "kubeconfig")
	text := fmt.Sprintf(`{apiVersion: v1, kind: Config, current-context: x, clusters: [{name: x, cluster: {server: "%s"}}],
contexts: [{name: x, context: {cluster: x, user: x}}], users: [{name: x, user: {}}]}`, server.URL)
	if err := os.WriteFile(kubeconfig, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return w, kubeconfig
}

func (w *wire) ServeHTTP(out http.ResponseWriter, r *http.Request) {
	changes := r.Method != http.MethodGet && r.URL.Query().Get("dryRun") == "" && (r.Method != http.MethodPut || !strings.Contains(r.URL.Path, "/leases/"))
	w.mu.Lock()
	if changes {
		w.calls = append(w.calls, r.Method+" "+r.URL.Path[strings.LastIndex(r.URL.Path, "/namespaces/")+1:])
	}
	cut := w.last > 0 && len(w.calls) >= w.last
	passes := cut && changes && w.passes && len(w.calls) == w.last
	ended := w.ended
	w.mu.Unlock()
	if cut && !passes {
		ended()
		panic(http.ErrAbortHandler)
	}
	if passes {
		// It takes effect, and nobody hears of it.
		w.Handler.ServeHTTP(httptest.NewRecorder(), r)
		ended()
		panic(http.ErrAbortHandler)
	}
	w.Handler.ServeHTTP(out, r)
}

// arm cuts the wire at a call, and calls ended then; it returns the calls since the last
// time.
func (w *wire) arm(last int, passes bool, ended func()) []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	calls := w.calls
	w.calls, w.last, w.passes, w.ended = nil, last, passes, ended
	return calls
}

// killedDeploysAreFinished kills deploys between two calls to the API server: the release
// before answers or the new one does, and the next deploy makes it whole. Each takes the
// time after which a lock is taken over, so that three points are tried, or with
// TWOFOLD_KILL_POINTS=all all of them.
func killedDeploysAreFinished(t *testing.T, c *kubetest.Cluster, releases *conformance.Releases) {
	w, kubeconfig := newWire(t, c)
	open := func(kubeconfig string) targets.Target {
		target, err := Plugin().Open("killed", schema.Values{
			"kubeconfig": kubeconfig, "namespace": "shop", "registry": c.Registry + "/shop", "service_type": nodePort,
		})
		if err != nil {
			t.Fatal(err)
		}
		return target
	}
	killed, target := open(kubeconfig), open(c.Kubeconfig)
	d := targets.Deployment{
		Key:     targets.Key{Project: "shop", Service: "killed", Environment: "prod"},
		Release: releases.One, Port: conformance.Port, Health: conformance.Health, Start: 30 * time.Second,
	}
	deploy := func(t *testing.T, target targets.Target, r *release.Release) targets.Status {
		t.Helper()
		d.Release = r
		st, err := target.Deploy(t.Context(), d)
		if err != nil {
			t.Fatal(err)
		}
		return st
	}
	st := deploy(t, target, releases.One)
	defer func() {
		if _, err := target.Destroy(t.Context(), d.Key); err != nil {
			t.Error(err)
		}
	}()
	until(t, st.URL+"/version", "one")
	objects := func() []string {
		list := strings.Fields(kubectl(t, c, "", "-n", "shop", "get", "deployments,services,configmaps,secrets,leases,networkpolicies,serviceaccounts,poddisruptionbudgets",
			"-l", labelInstance+"=shop-killed-prod", "-o", "name"))
		slices.Sort(list)
		return list
	}
	whole := objects()
	w.arm(0, false, nil)
	deploy(t, killed, releases.Two)
	until(t, st.URL+"/version", "two")
	calls := w.arm(0, false, nil)
	t.Logf("a deploy makes %d calls that change something: %q", len(calls), calls)
	now, next := "two", map[string]*release.Release{"one": releases.Two, "two": releases.One}
	for _, p := range killPoints(len(calls)) {
		name := fmt.Sprintf("before call %d, %s", p.call, calls[p.call-1])
		if p.passes {
			name = strings.Replace(name, "before", "after", 1)
		}
		t.Run(name, func(t *testing.T) {
			other := map[string]string{"one": "two", "two": "one"}[now]
			ctx, kill := context.WithCancel(t.Context())
			defer kill()
			w.arm(p.call, p.passes, kill)
			d.Release = next[now]
			if _, err := killed.Deploy(ctx, d); err == nil {
				t.Error("a deploy without a cluster returns no error")
			}
			if got, err := ask(t.Context(), st.URL+"/version"); err != nil || got != now && got != other {
				t.Errorf("after it, %q answers (%v)", got, err)
			}
			deploy(t, target, next[now])
			until(t, st.URL+"/version", other)
			now = other
			if plan, err := target.Plan(t.Context(), d); err != nil || plan.Action != targets.ActionNone {
				t.Errorf("afterwards a deploy would do %+v (%v)", plan, err)
			}
			if left := objects(); !slices.Equal(left, whole) {
				t.Errorf("afterwards there is %q, want %q", left, whole)
			}
		})
	}
}

type killPoint struct {
	call   int
	passes bool
}

func killPoints(calls int) (list []killPoint) {
	for n := 1; n <= calls; n++ {
		list = append(list, killPoint{n, false}, killPoint{n, true})
	}
	if os.Getenv("TWOFOLD_KILL_POINTS") == "all" {
		return list
	}
	return []killPoint{list[2], list[len(list)/2], list[len(list)-3]}
}
