//go:build e2e

package kubernetes

import (
	"errors"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/twofoldhq/twofold/manifest/schema"
	"github.com/twofoldhq/twofold/targets"
	"github.com/twofoldhq/twofold/targets/kubernetes/kubetest"
)

// TestKnative gives the objects to a cluster that has the kinds of Knative Serving, and
// before to one that does not.
func TestKnative(t *testing.T) {
	c, releases := startCluster(t)
	target := openServerless(t, c)
	d := targets.Deployment{Key: targets.Key{Project: "shop", Service: "api", Environment: "prod"}, Release: releases.One}
	if _, err := target.Deploy(t.Context(), d); !errors.Is(err, errNoKnative) {
		t.Errorf("a deploy without Knative: %v", err)
	}
	if _, err := target.Plan(t.Context(), d); !errors.Is(err, errNoKnative) {
		t.Errorf("a plan without Knative: %v", err)
	}

	kubectl(t, c, "", "apply", "--server-side", "-f", filepath.Join(knativeModule(t, "knative.dev/serving"), "config", "core", "300-resources"))
	kubectl(t, c, "", "wait", "--for=condition=Established", "--timeout=60s", "crd/services.serving.knative.dev", "crd/domainmappings.serving.knative.dev")
	t.Run("the cluster takes every kind", func(t *testing.T) {
		whole := serverless(t, wholeWorkload(t, nil), nil)
		kubectl(t, c, manifests(t, whole), "apply", "--server-side", "--validate=strict", "--dry-run=server", "-f", "-")
	})
	t.Run("the cluster takes what is exported", func(t *testing.T) {
		w := serverless(t, wholeWorkload(t, nil), nil)
		w.Schedules = nil // They are those of any deployment, and their image takes long to make.
		theClusterTakesWhatIsExported(t, c, releases.One, w, 5)
	})
}

func openServerless(t *testing.T, c *kubetest.Cluster) *Target {
	t.Helper()
	target, err := Plugin().Open("cluster", schema.Values{
		"kubeconfig": c.Kubeconfig, "namespace": "shop", "registry": c.Registry + "/shop", "serverless": true,
	})
	if err != nil {
		t.Fatal(err)
	}
	return target.(*Target)
}

// knativeModule is the folder of a module that the module e2e/kube/knative needs.
func knativeModule(t *testing.T, module string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", "list", "-m", "-f", "{{.Dir}}", module)
	cmd.Dir = "../../e2e/kube/knative"
	dir, err := cmd.Output()
	if err != nil {
		t.Fatalf("find the module %s: %v", module, err)
	}
	return strings.TrimSpace(string(dir))
}
