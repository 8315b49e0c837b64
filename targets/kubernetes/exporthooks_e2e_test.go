//go:build e2e

package kubernetes

import (
	"strings"
	"testing"
	"time"

	"github.com/twofoldhq/twofold/manifest/schema"
	"github.com/twofoldhq/twofold/release"
	"github.com/twofoldhq/twofold/targets"
	"github.com/twofoldhq/twofold/targets/conformance"
	"github.com/twofoldhq/twofold/targets/kubernetes/kubetest"
)

// hooksOfAChartRun installs and upgrades an exported chart with Helm: a hook that fails
// before leaves what there was, and one that succeeds comes before the new release.
func hooksOfAChartRun(t *testing.T, c *kubetest.Cluster, releases *conformance.Releases) {
	s, err := read(schema.Values{"kubeconfig": c.Kubeconfig, "registry": c.Registry, "service_type": "NodePort"})
	if err != nil {
		t.Fatal(err)
	}
	target := newTarget("cluster", s)
	chart := func(r *release.Release, before string) string {
		d := targets.Deployment{
			Key:     targets.Key{Project: "shop", Service: "chart", Environment: "prod"},
			Release: r, Port: conformance.Port, Health: conformance.Health, Start: 20 * time.Second, Timeout: time.Second,
		}
		hooks := []targets.Hook{
			{Name: "before", Command: []string{"./server", before, "PORT"}, Timeout: time.Minute},
			{Name: "after", Command: []string{"./server", "show", "PORT"}, Timeout: time.Minute, After: true},
		}
		files, err := target.manifests(t.Context(), targets.ManifestsRequest{
			Deployments: []targets.Deployment{d}, Hooks: map[targets.Key][]targets.Hook{d.Key: hooks}, Style: targets.ManifestsHelm, Push: true,
		})
		if err != nil {
			t.Fatal(err)
		}
		return written(t, files)
	}
	const name = "shop-chart-prod"
	apply := func(verb, folder string) (string, error) {
		return tryHelm(t, verb, "chart", folder, "--kubeconfig", c.Kubeconfig, "-n", "shop", "--wait", "--timeout", "2m")
	}
	pods := func() string {
		return kubectl(t, c, "", "-n", "shop", "get", "pods", "-l", labelInstance+"="+name+","+labelRole+"="+roleApp, "-o", "name")
	}
	serves := func(version string) {
		t.Helper()
		port := strings.TrimSpace(kubectl(t, c, "", "-n", "shop", "get", "service", name, "-o", "jsonpath={.spec.ports[0].nodePort}"))
		until(t, "http://"+c.Node+":"+port+"/version", version)
	}

	if out, err := apply("install", chart(releases.One, "fail")); err == nil || pods() != "" {
		t.Errorf("an install whose first hook fails: %v, pods %q\n%s", err, pods(), out)
	}
	helm(t, "uninstall", "chart", "--kubeconfig", c.Kubeconfig, "-n", "shop")
	if out, err := apply("install", chart(releases.One, "show")); err != nil {
		t.Fatalf("install: %v\n%s", err, out)
	}
	serves("one")
	was := pods()
	if out, err := apply("upgrade", chart(releases.Two, "fail")); err == nil || pods() != was {
		t.Errorf("an upgrade whose first hook fails: %v, pods %q, before it %q\n%s", err, pods(), was, out)
	}
	serves("one")
	if out, err := apply("upgrade", chart(releases.Two, "show")); err != nil {
		t.Errorf("upgrade: %v\n%s", err, out)
	}
	serves("two")
	printed := kubectl(t, c, "", "-n", "shop", "get", "events", "--field-selector", "involvedObject.kind=Job,reason=Completed", "-o", "jsonpath={.items[*].involvedObject.name}")
	for _, hook := range []string{name + "-hook-before", name + "-hook-after"} {
		if n := strings.Count(printed, hook); n != 2 {
			t.Errorf("%s has ended %d times of the 2 that it should: %s", hook, n, printed)
		}
	}
	if left := kubectl(t, c, "", "-n", "shop", "get", "jobs", "-o", "name", "-l", labelInstance+"="+name); left != "" {
		t.Errorf("hooks that have succeeded are left: %s", left)
	}
	helm(t, "uninstall", "chart", "--kubeconfig", c.Kubeconfig, "-n", "shop")
}
