//go:build e2e

package kubernetes

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/twofoldhq/twofold/release"
	"github.com/twofoldhq/twofold/targets"
	"github.com/twofoldhq/twofold/targets/kubernetes/kubetest"
)

// theClusterTakesWhatIsExported gives each style of exported manifests to the tool that
// it is for, and what comes of it to a cluster that refuses unknown fields and pods which
// are not of the profile "restricted".
func theClusterTakesWhatIsExported(t *testing.T, c *kubetest.Cluster, r *release.Release, w *wanted, objects int) {
	d, s := w.Deployment, w.settings
	d.Release = r
	s.registry, s.namespace = c.Registry, "shop"
	exportTo := func(t *testing.T, style string) string {
		target := newTarget("cluster", s)
		files, err := target.manifests(t.Context(), targets.ManifestsRequest{Deployments: []targets.Deployment{d}, Style: style, Hooks: map[targets.Key][]targets.Hook{
			d.Key: {{Name: "migrate", Command: []string{"./server", "show", "LOG"}, Timeout: time.Minute, Env: map[string]string{"LOG": "loud"}}},
		}})
		if err != nil {
			t.Fatal(err)
		}
		return written(t, files)
	}
	taken := func(t *testing.T, printed string) {
		if n := strings.Count(printed, "(server dry run)"); n != objects {
			t.Errorf("the cluster took %d objects of %d:\n%s", n, objects, printed)
		}
	}
	t.Run("plain", func(t *testing.T) {
		taken(t, kubectl(t, c, "", "apply", "--recursive", "--validate=strict", "--dry-run=server", "-f", exportTo(t, targets.ManifestsPlain)))
	})
	t.Run("kustomize", func(t *testing.T) {
		taken(t, kubectl(t, c, "", "apply", "--validate=strict", "--dry-run=server", "-k", exportTo(t, targets.ManifestsKustomize)))
	})
	t.Run("helm", func(t *testing.T) {
		chart := exportTo(t, targets.ManifestsHelm)
		helm(t, "lint", "--strict", chart)
		whole := helm(t, "template", "shop", chart, "--kube-version", "1.33.0", "--set", "api.env.ADDED=1")
		taken(t, kubectl(t, c, whole, "apply", "-n", "shop", "--validate=strict", "--dry-run=server", "-f", "-"))
	})
}

// written is a folder with files.
func written(t *testing.T, files []targets.ManifestFile) string {
	t.Helper()
	folder := t.TempDir()
	for _, f := range files {
		path := filepath.Join(folder, filepath.FromSlash(f.Path))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, f.Content, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return folder
}

func helm(t *testing.T, args ...string) string {
	t.Helper()
	out, err := tryHelm(t, args...)
	if err != nil {
		t.Fatalf("helm %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return out
}

func tryHelm(t *testing.T, args ...string) (string, error) {
	t.Helper()
	path, err := exec.CommandContext(t.Context(), "../../e2e/helm.sh").Output()
	if err != nil {
		t.Fatalf("build Helm: %v", err)
	}
	out, err := exec.CommandContext(t.Context(), strings.TrimSpace(string(path)), args...).CombinedOutput()
	return string(out), err
}
