//go:build e2e

package kubetest_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/tarball"

	"github.com/twofoldhq/twofold/build"
	"github.com/twofoldhq/twofold/release"
	"github.com/twofoldhq/twofold/targets/conformance"
	"github.com/twofoldhq/twofold/targets/kubernetes/kubetest"
)

const app = `
apiVersion: apps/v1
kind: Deployment
metadata: {name: app}
spec:
  replicas: 2
  selector: {matchLabels: {app: app}}
  template:
    metadata: {labels: {app: app}}
    spec:
      containers:
      - name: app
        image: IMAGE
        env: [{name: PORT, value: "8080"}]
        readinessProbe: {httpGet: {path: /healthz, port: 8080}, periodSeconds: 1, timeoutSeconds: 5}
---
apiVersion: v1
kind: Service
metadata: {name: app}
spec:
  type: NodePort
  selector: {app: app}
  ports: [{port: 80, targetPort: 8080, nodePort: 30080}]
`

// TestAReleaseRuns runs a release's image from the registry, and asks it from
// outside and, by the service's name, from a pod.
func TestAReleaseRuns(t *testing.T) {
	cluster, err := kubetest.Start(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := cluster.Stop(); err != nil {
			t.Error(err)
		}
		if _, err := os.Stat(cluster.Logs); err == nil {
			t.Error("the cluster's folder is left")
		}
		if left, _ := filepath.Glob("/sys/fs/cgroup/*/twofold-kube"); len(left) > 0 {
			t.Errorf("control groups are left: %q", left)
		}
	})
	if _, err := kubetest.Start(t.Context()); err == nil || !strings.Contains(err.Error(), "another test cluster runs") {
		t.Errorf("a second cluster: %v", err)
	}
	releases, err := conformance.MakeReleases(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	image := push(t, cluster.Registry, releases.One)
	kubectl(t, cluster, strings.ReplaceAll(app, "IMAGE", image), "apply", "-f", "-")
	kubectl(t, cluster, "", "rollout", "status", "deployment/app", "--timeout=90s")
	if got := eventually(t, "http://"+cluster.Node+":30080/version"); got != "one" {
		t.Errorf("GET /version answers %q", got)
	}
}

func push(t *testing.T, registry string, r *release.Release) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "image.tar")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	form, err := r.Form(release.Image, build.Platform{OS: "linux", Arch: runtime.GOARCH})
	if err != nil {
		t.Fatal(err)
	}
	ref, err := name.NewTag(registry + "/app:one")
	if err != nil {
		t.Fatal(err)
	}
	if err := r.WriteImageTar(t.Context(), form, ref.Name(), f); err != nil {
		t.Fatal(err)
	}
	image, err := tarball.ImageFromPath(path, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := remote.Write(ref, image); err != nil {
		t.Fatal(err)
	}
	return ref.Name()
}

func kubectl(t *testing.T, c *kubetest.Cluster, input string, args ...string) string {
	t.Helper()
	cmd := c.Kubectl(t.Context(), args...)
	cmd.Stdin = strings.NewReader(input)
	out, err := cmd.CombinedOutput()
	if err != nil {
		events, _ := c.Kubectl(context.Background(), "get", "events,pods").CombinedOutput()
		t.Fatalf("kubectl %s: %v\n%s%s", strings.Join(args, " "), err, out, events)
	}
	return string(out)
}

// eventually asks until the node's proxy knows the service.
func eventually(t *testing.T, url string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for {
		body, err := get(ctx, url)
		if err == nil {
			return body
		}
		if ctx.Err() != nil {
			t.Fatal(err)
		}
	}
}

func get(ctx context.Context, url string) (string, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return "", err
	}
	resp, err := http.DefaultClient.Do(req)
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
