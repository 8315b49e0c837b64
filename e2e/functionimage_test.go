//go:build e2e

package e2e

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/tarball"

	"github.com/twofoldhq/twofold/release"
	"github.com/twofoldhq/twofold/targets/engine/enginetest"
	"github.com/twofoldhq/twofold/targets/local/function"
	"github.com/twofoldhq/twofold/targets/local/sandbox"
	"github.com/twofoldhq/twofold/traffic/parity"
)

// TestAnImageWithTheAdapterAnswersAsTheImage runs an image as a container, and the same
// image with the adapter as one more layer as a function: both in a Docker Engine.
func TestAnImageWithTheAdapterAnswersAsTheImage(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "httpbin")
	if err := os.CopyFS(dir, os.DirFS("../examples/httpbin")); err != nil {
		t.Fatal(err)
	}
	runTwofold(t, dir, t.TempDir(), "build")
	store, err := release.OpenStore(filepath.Join(dir, ".twofold", "store"))
	if err != nil {
		t.Fatal(err)
	}
	r, err := store.Find("httpbin")
	if err != nil {
		t.Fatal(err)
	}
	form := r.Forms[0]
	for _, f := range r.Forms {
		if f.Kind == release.Image {
			form = f
		}
	}
	withAdapter, err := r.FunctionImage(t.Context(), form, false)
	if err != nil {
		t.Fatal(err)
	}
	docker := engineWith(t, map[string]v1.Image{"httpbin:function": withAdapter})
	image := loadArchive(t, docker, dir)

	port := strconv.Itoa(freePort(t))
	env := []string{"--env", "MAX_BODY_SIZE=8388608", "--env", "HTTPBIN_ENV_GREETING=hello"}
	container := docker(append(append([]string{"run", "--detach", "--network", "host", "--env", "PORT=" + port}, env...), image)...)
	id, err := container.Output()
	if err != nil {
		t.Fatalf("docker run: %v", err)
	}
	t.Cleanup(func() { docker("rm", "--force", strings.TrimSpace(string(id))).Run() })
	eventually(t, "http://127.0.0.1:"+port+"/status/200")
	gateway := httptest.NewServer(gatewayTo("127.0.0.1:" + port))
	defer gateway.Close()

	var started atomic.Int32
	fn, err := function.New(function.Config{
		Name: "httpbin", Timeout: 30 * time.Second, Concurrency: 8,
		Env: map[string]string{"MAX_BODY_SIZE": "8388608", "HTTPBIN_ENV_GREETING": "hello"},
		Launch: func(_ context.Context, l function.LaunchSpec) (function.Instance, error) {
			return launchInDocker(docker, "httpbin:function", fmt.Sprintf("function-%d", started.Add(1)), strconv.Itoa(freePort(t)), l)
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
		defer cancel()
		fn.Close(ctx)
	})
	server := httptest.NewServer(fn)
	defer server.Close()

	suite, err := parity.Load("../examples/httpbin/requests.hcl")
	if err != nil {
		t.Fatal(err)
	}
	report, err := parity.Replay(t.Context(), suite,
		parity.Side{Name: "container", URL: gateway.URL}, parity.Side{Name: "function", URL: server.URL}, parity.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if !report.OK() || report.Unseen > 0 {
		var text strings.Builder
		report.WriteText(&text, parity.TextOptions{Width: 120, Verbose: true})
		t.Error(text.String())
	}
}

// gatewayTo says from where a request comes, as what stands before containers does.
func gatewayTo(host string) http.Handler {
	return &httputil.ReverseProxy{FlushInterval: -1, Transport: &http.Transport{DisableCompression: true}, Rewrite: func(r *httputil.ProxyRequest) {
		r.SetURL(&url.URL{Scheme: "http", Host: host})
		r.Out.Host, r.Out.URL.RawQuery = r.In.Host, r.In.URL.RawQuery
		r.Out.Header["X-Forwarded-For"] = r.In.Header["X-Forwarded-For"]
		r.SetXForwarded()
		r.Out.Header.Del("X-Forwarded-Host")
		r.Out.Header.Set("X-Forwarded-Port", "80")
	}}
}

// engineWith starts an engine that has images by their tags, and returns the docker
// command for it.
func engineWith(t *testing.T, images map[string]v1.Image) func(args ...string) *exec.Cmd {
	t.Helper()
	address := enginetest.Start(t)
	docker := func(args ...string) *exec.Cmd {
		return exec.Command("docker", append([]string{"--host", address}, args...)...)
	}
	for tag, image := range images {
		ref, err := name.NewTag(tag)
		if err != nil {
			t.Fatal(err)
		}
		load := docker("load")
		r, w := io.Pipe()
		load.Stdin = r
		go func() { w.CloseWithError(tarball.Write(ref, image, w)) }()
		if out, err := load.CombinedOutput(); err != nil {
			t.Fatalf("docker load: %v\n%s", err, out)
		}
	}
	return docker
}

// loadArchive loads the image that twofold exports, and returns its name.
func loadArchive(t *testing.T, docker func(args ...string) *exec.Cmd, dir string) string {
	t.Helper()
	archive := filepath.Join(t.TempDir(), "image.tar")
	runTwofold(t, dir, t.TempDir(), "export", "--form", "image", "--output", archive)
	out, err := docker("load", "--quiet", "--input", archive).CombinedOutput()
	if err != nil {
		t.Fatalf("docker load: %v\n%s", err, out)
	}
	_, loaded, _ := strings.Cut(strings.TrimSpace(string(out)), ": ")
	return loaded
}

// dockerInstance is a container that stays in the foreground of a docker command.
type dockerInstance struct {
	*plainInstance
	kill func() error
}

func (i dockerInstance) Kill() error { return i.kill() }

// launchInDocker starts an instance of a function from an image, as a read-only
// container with a port of its own: instances share the machine's network, since the
// runtime API is on its loopback.
func launchInDocker(docker func(args ...string) *exec.Cmd, image, name, port string, l function.LaunchSpec) (function.Instance, error) {
	args := []string{"run", "--rm", "--name", name, "--network", "host", "--read-only", "--tmpfs", "/tmp", "--env", "PORT=" + port}
	for _, variable := range l.Env {
		if !strings.HasPrefix(variable, "PORT=") {
			args = append(args, "--env", variable)
		}
	}
	cmd := docker(append(args, image)...)
	cmd.Stdout, cmd.Stderr, cmd.WaitDelay = l.Stdout, l.Stderr, time.Second
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	p := &plainInstance{cmd: cmd, done: make(chan struct{})}
	go func() {
		cmd.Wait()
		p.exit = sandbox.Exit{Code: cmd.ProcessState.ExitCode()}
		close(p.done)
	}()
	return dockerInstance{p, docker("kill", name).Run}, nil
}
