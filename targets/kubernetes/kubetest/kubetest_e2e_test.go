//go:build e2e

package kubetest

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
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
	cluster, err := Start(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := cluster.Stop(); err != nil {
			t.Error(err)
		}
		checkNothingIsLeft(t, cluster)
	})
	if _, err := Start(t.Context()); err == nil || !strings.Contains(err.Error(), "another test cluster runs") {
		t.Errorf("a second cluster: %v", err)
	}
	releases, err := conformance.MakeReleases(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	image := push(t, cluster.Registry+"/app", releases.One)
	kubectl(t, cluster, strings.ReplaceAll(app, "IMAGE", image), "apply", "-f", "-")
	kubectl(t, cluster, "", "rollout", "status", "deployment/app", "--timeout=90s")
	if got := eventually(t, "http://"+cluster.Node+":30080/version"); got != "one" {
		t.Errorf("GET /version answers %q", got)
	}
	asker := push(t, cluster.Registry+"/ask", makeAsker(t))
	kubectl(t, cluster, "", "run", "ask", "--image="+asker, "--restart=OnFailure", "--command", "--", "./ask", "http://app.default/version")
	kubectl(t, cluster, "", "wait", "pod/ask", "--for=jsonpath={.status.phase}=Succeeded", "--timeout=60s")
	if got := kubectl(t, cluster, "", "logs", "ask"); got != "one" {
		t.Errorf("in a pod, the service's name answers %q", got)
	}
}

func TestAClusterThatIsKilledLeavesTheMachineAsItWas(t *testing.T) {
	first, err := Start(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := first.running.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	if err := first.Stop(); err == nil {
		t.Error("that it was killed is not told")
	}
	// The next removes what the kernel does not.
	second, err := Start(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := second.Stop(); err != nil {
		t.Error(err)
	}
	checkNothingIsLeft(t, first)
	checkNothingIsLeft(t, second)
}

func checkNothingIsLeft(t *testing.T, c *Cluster) {
	t.Helper()
	if _, err := os.Stat(c.Logs); err == nil {
		t.Error("the cluster's folder is left")
	}
	if _, err := net.InterfaceByName(c.Link); err == nil {
		t.Errorf("the interface %s is left", c.Link)
	}
	if left, _ := filepath.Glob("/sys/fs/cgroup/*/twofold-kube"); len(left) > 0 {
		t.Errorf("control groups are left: %q", left)
	}
	if mounts, err := os.ReadFile("/proc/mounts"); err != nil || strings.Contains(string(mounts), "twofold-kube") {
		t.Errorf("mounts are left: %v\n%s", err, mounts)
	}
}

// makeAsker makes a release of a program that asks one URL.
func makeAsker(t *testing.T) *release.Release {
	t.Helper()
	dir := t.TempDir()
	binary := filepath.Join(dir, "ask")
	cmd := exec.Command("go", "build", "-o", binary, "./testdata/ask")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	info, err := os.Lstat(binary)
	if err != nil {
		t.Fatal(err)
	}
	store, err := release.OpenStore(filepath.Join(dir, "store"))
	if err != nil {
		t.Fatal(err)
	}
	r, err := release.Assemble(t.Context(), store, release.Spec{
		Project: "kubetest", Service: "ask", Port: 8080, Trees: []*build.Tree{{
			Platform: build.Platform{OS: "linux", Arch: runtime.GOARCH}, Command: []string{"./ask"},
			Files: []build.File{{Path: "ask", Source: binary, Info: info, Executable: true}},
		}},
	}, release.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// push puts a release's image into a repository, and returns its reference.
func push(t *testing.T, repository string, r *release.Release) string {
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
	ref, err := name.NewTag(repository + ":one")
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

func kubectl(t *testing.T, c *Cluster, input string, args ...string) string {
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
