//go:build e2e

package kubernetes

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"sigs.k8s.io/yaml"

	"github.com/twofoldhq/twofold/manifest/schema"
	"github.com/twofoldhq/twofold/release"
	"github.com/twofoldhq/twofold/targets"
	"github.com/twofoldhq/twofold/targets/conformance"
	"github.com/twofoldhq/twofold/targets/kubernetes/kubetest"
)

// A namespace that lets in only what the profile "restricted" allows.
const restrictedNamespace = `
apiVersion: v1
kind: Namespace
metadata:
  name: shop
  labels: {pod-security.kubernetes.io/enforce: restricted, pod-security.kubernetes.io/enforce-version: latest}
`

// startCluster starts a cluster, which ends with the test, with a namespace that lets in
// only what the profile "restricted" allows, and makes the releases for it.
func startCluster(t *testing.T) (*kubetest.Cluster, *conformance.Releases) {
	t.Helper()
	c, err := kubetest.Start(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Stop(); err != nil {
			t.Error(err)
		}
	})
	releases, err := conformance.MakeReleases(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	kubectl(t, c, restrictedNamespace, "apply", "-f", "-")
	return c, releases
}

// TestTheObjectsRun gives the objects to a real cluster as a person would with
// kubectl: it takes them all, they run as they are meant to, a second release takes
// over without a failed request, and afterwards nothing differs.
func TestTheObjectsRun(t *testing.T) {
	c, releases := startCluster(t)
	t.Run("the cluster takes every kind", func(t *testing.T) {
		whole := wholeWorkload(t, schema.Values{"ingress_class": "nginx", "cluster_issuer": "letsencrypt"})
		kubectl(t, c, manifests(t, whole), "apply", "--server-side", "--validate=strict", "--dry-run=server", "-f", "-")
	})
	t.Run("the cluster takes what is exported", func(t *testing.T) {
		theClusterTakesWhatIsExported(t, c, releases.One, wholeWorkload(t, schema.Values{"cluster_issuer": "letsencrypt"}), 11)
	})
	t.Run("the hooks of a chart run", func(t *testing.T) { hooksOfAChartRun(t, c, releases) })
	t.Run("deploys lose no request", func(t *testing.T) { deploysLoseNoRequest(t, c, releases) })
	t.Run("instances stay when the cluster begins to choose", func(t *testing.T) { instancesStayWhenTheClusterBeginsToChoose(t, c, releases) })
	t.Run("a command that is killed is finished by the next", func(t *testing.T) { killedCommandsAreFinished(t, c, releases) })
	t.Run("credentials are those of kubectl", func(t *testing.T) { credentialsAreThoseOfKubectl(t, c, releases) })
	t.Run("deploys outlive the network", func(t *testing.T) { deploysOutliveTheNetwork(t, c, releases) })

	w := running(t, c, releases.One)
	kubectl(t, c, manifests(t, w), "apply", "--server-side", "--validate=strict", "-f", "-")
	kubectl(t, c, "", "-n", "shop", "rollout", "status", "deployment/"+w.name, "--timeout=90s")
	port := strings.TrimSpace(kubectl(t, c, "", "-n", "shop", "get", "service", w.name, "-o", "jsonpath={.spec.ports[0].nodePort}"))
	base := "http://" + c.Node + ":" + port
	until(t, base+"/version", "one")
	for path, want := range map[string]string{"/env?name=APP_GREETING": "it costs $5 and $(PORT)", "/env?name=TOKEN": hidden} {
		if got, err := ask(t.Context(), base+path); err != nil || got != want {
			t.Errorf("GET %s answers %q (%v), want %q", path, got, err, want)
		}
	}

	next := running(t, c, releases.Two)
	var sent int
	var failures []error
	ctx, stop := context.WithCancel(t.Context())
	var load sync.WaitGroup
	load.Go(func() { sent, failures = requests(ctx, base+"/version") })
	kubectl(t, c, manifests(t, next), "apply", "--server-side", "--validate=strict", "-f", "-")
	kubectl(t, c, "", "-n", "shop", "rollout", "status", "deployment/"+w.name, "--timeout=90s")
	until(t, base+"/version", "two")
	stop()
	load.Wait()
	t.Logf("%d requests while the release was replaced, %d failed", sent, len(failures))
	if len(failures) > 0 {
		t.Errorf("%d of %d requests failed, the first: %v", len(failures), sent, failures[0])
	}
	kubectl(t, c, manifests(t, next), "diff", "--server-side", "-f", "-")
}

// running is what the suite's app runs as.
func running(t *testing.T, c *kubetest.Cluster, r *release.Release) *wanted {
	t.Helper()
	image, err := release.Push(t.Context(), r, c.Registry+"/shop-api:latest")
	if err != nil {
		t.Fatal(err)
	}
	w := plainWorkload()
	w.settings.serviceType = nodePort
	w.image, w.release, w.archs = image, r.Digest, []string{runtime.GOARCH}
	w.Port, w.Health = conformance.Port, conformance.Health
	w.Scale = targets.Scale{Min: 2, Max: 2}
	w.Env = map[string]string{"APP_GREETING": "it costs $5 and $(PORT)", "TOKEN": hidden}
	w.Sensitive, w.envSecret = []string{"TOKEN"}, "shop-api-prod-env-1"
	return w
}

func manifests(t *testing.T, w *wanted) string {
	t.Helper()
	var text strings.Builder
	for _, o := range w.everything() {
		one, err := yaml.Marshal(o)
		if err != nil {
			t.Fatal(err)
		}
		text.WriteString("---\n" + string(one))
	}
	return text.String()
}

func kubectl(t *testing.T, c *kubetest.Cluster, input string, args ...string) string {
	t.Helper()
	cmd := c.Kubectl(t.Context(), args...)
	cmd.Stdin = strings.NewReader(input)
	var out, problems bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &problems
	if err := cmd.Run(); err != nil {
		events, _ := c.Kubectl(context.WithoutCancel(t.Context()), "-n", "shop", "get", "events,pods").CombinedOutput()
		t.Fatalf("kubectl %s: %v\n%s%s%s", strings.Join(args, " "), err, &out, &problems, events)
	}
	return out.String()
}

var client = &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: 30 * time.Second}

func ask(ctx context.Context, url string) (string, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return "", err
	}
	resp, err := client.Do(req)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %s", resp.Status, body)
	}
	return string(body), err
}

// until asks until the answer is the one that is wanted: the node's proxy hears of
// changes a moment later.
func until(t *testing.T, url, want string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for {
		got, err := ask(ctx, url)
		if err == nil && got == want {
			return
		}
		if ctx.Err() != nil {
			t.Fatalf("GET %s answers %q (%v), want %q", url, got, err, want)
		}
	}
}

// requests asks one time after another until the context ends.
func requests(ctx context.Context, url string) (sent int, failures []error) {
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return sent, failures
		case <-tick.C:
		}
		sent++
		if _, err := ask(context.WithoutCancel(ctx), url); err != nil {
			failures = append(failures, err)
		}
	}
}
