//go:build e2e

package kubernetes

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/twofoldhq/twofold/manifest/schema"
	"github.com/twofoldhq/twofold/release"
	"github.com/twofoldhq/twofold/targets"
	"github.com/twofoldhq/twofold/targets/conformance"
	"github.com/twofoldhq/twofold/targets/kubernetes/kubetest"
)

// loadRate is how many requests a second come while releases are replaced.
const loadRate = 200

// loadDeploys is how many deploys in a row there are: fewer than one would like, since
// each takes ten seconds. TWOFOLD_LOAD_DEPLOYS=20 makes them more.
func loadDeploys(t *testing.T) int {
	text := os.Getenv("TWOFOLD_LOAD_DEPLOYS")
	if text == "" {
		return 3
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		t.Fatalf("TWOFOLD_LOAD_DEPLOYS: %v", err)
	}
	return n
}

// deploysLoseNoRequest deploys one release after the other under load, and then two that
// do not get healthy.
func deploysLoseNoRequest(t *testing.T, c *kubetest.Cluster, releases *conformance.Releases) {
	target, err := Plugin().Open("loaded", schema.Values{
		"kubeconfig": c.Kubeconfig, "namespace": "shop", "registry": c.Registry + "/shop", "service_type": nodePort,
	})
	if err != nil {
		t.Fatal(err)
	}
	d := targets.Deployment{
		Key:     targets.Key{Project: "shop", Service: "loaded", Environment: "prod"},
		Release: releases.Two, Port: conformance.Port, Health: conformance.Health, Start: 30 * time.Second,
		Scale: targets.Scale{Min: 2, Max: 2},
	}
	st, err := target.Deploy(t.Context(), d)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if _, err := target.Destroy(t.Context(), d.Key); err != nil {
			t.Error(err)
		}
	}()
	until(t, st.URL+"/version", "two")
	under := func(what string, f func(l *conformance.Load)) {
		l := conformance.StartLoad(t.Context(), st.URL+"/version", loadRate)
		defer l.Stop()
		f(l)
		text, failed := l.Result()
		t.Logf("%s: %s", what, text)
		if failed > 0 {
			t.Errorf("%s: %d requests failed", what, failed)
		}
	}
	deploys := loadDeploys(t)
	serving := "two"
	under(fmt.Sprintf("%d deploys", deploys), func(l *conformance.Load) {
		for n := range deploys {
			serving, d.Release = "one", releases.One
			if n%2 == 1 {
				serving, d.Release = "two", releases.Two
			}
			if _, err := target.Deploy(t.Context(), d); err != nil {
				t.Fatal(err)
			}
			if err := l.Await(t.Context(), serving, 100); err != nil {
				t.Fatal(err)
			}
		}
	})
	for what, r := range map[string]*release.Release{"a release that never gets healthy": releases.Broken, "a release that crashes": releases.Crashing} {
		under("a deploy of "+what, func(l *conformance.Load) {
			failing := d
			failing.Release, failing.Start = r, 3*time.Second
			var unhealthy *targets.NotHealthyError
			if _, err := target.Deploy(t.Context(), failing); !errors.As(err, &unhealthy) {
				t.Errorf("a deploy of %s: %v", what, err)
			}
			if err := l.Await(t.Context(), serving, 100); err != nil {
				t.Error(err)
			}
			if all := l.Answers(); len(all) != 1 {
				t.Errorf("a deploy of %s: requests were answered by %q", what, all)
			}
		})
	}
}

// instancesStayWhenTheClusterBeginsToChoose gives the number of instances, which was
// fixed, to the cluster and takes it back: no instance stops.
func instancesStayWhenTheClusterBeginsToChoose(t *testing.T, c *kubetest.Cluster, releases *conformance.Releases) {
	target, err := Plugin().Open("scaled", schema.Values{"kubeconfig": c.Kubeconfig, "namespace": "shop", "registry": c.Registry + "/shop"})
	if err != nil {
		t.Fatal(err)
	}
	d := targets.Deployment{
		Key:     targets.Key{Project: "shop", Service: "scaled", Environment: "prod"},
		Release: releases.One, Port: conformance.Port, Health: conformance.Health, Start: 30 * time.Second,
		CPU: 100, // without it, the autoscaler makes pods ask for as much, which is a change
	}
	defer func() {
		if _, err := target.Destroy(t.Context(), d.Key); err != nil {
			t.Error(err)
		}
	}()
	for _, scale := range []targets.Scale{{Min: 3, Max: 3}, {Min: 1, Max: 5}, {Min: 3, Max: 3}} {
		d.Scale = scale
		plan, err := target.Plan(t.Context(), d)
		if err != nil {
			t.Fatal(err)
		}
		for _, change := range plan.Changes {
			if strings.Contains(change.Name, "replicas") {
				t.Errorf("to %+v, the plan says %+v", scale, change)
			}
		}
		if _, err := target.Deploy(t.Context(), d); err != nil {
			t.Fatal(err)
		}
		// Each change of the number is a generation of its own.
		is := kubectl(t, c, "", "-n", "shop", "get", "deployment", "shop-scaled-prod", "-o", "jsonpath={.spec.replicas} {.metadata.generation}")
		if is != "3 1" {
			t.Errorf("with %+v the instances and the generation are %s, want 3 1", scale, is)
		}
	}
}
