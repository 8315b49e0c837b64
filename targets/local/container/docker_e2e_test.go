//go:build e2e

package container

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/moby/moby/client"

	"github.com/twofoldhq/twofold/build"
	"github.com/twofoldhq/twofold/release"
	"github.com/twofoldhq/twofold/targets"
	"github.com/twofoldhq/twofold/targets/conformance"
	"github.com/twofoldhq/twofold/targets/engine"
	"github.com/twofoldhq/twofold/targets/engine/enginetest"
)

const testLabel = "dev.twofold.host"

// TestDocker runs the image in a real Docker Engine.
func TestDocker(t *testing.T) {
	t.Setenv("DOCKER_HOST", enginetest.Start(t))
	found, err := engine.FindLocal(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(found.Close)
	releases, err := conformance.MakeReleases(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	load := func(t *testing.T, r *release.Release) Docker {
		t.Helper()
		p, err := build.ParsePlatform("linux/" + runtime.GOARCH)
		if err != nil {
			t.Fatal(err)
		}
		form, err := r.Form(release.Image, p)
		if err != nil {
			t.Fatal(err)
		}
		tag := "twofold.local/test:" + strings.TrimPrefix(form.Digest, "sha256:")[:12]
		err = found.Load(t.Context(), tag, func(ctx context.Context, w io.Writer) error {
			return r.WriteImageTar(ctx, form, tag, w)
		})
		if err != nil {
			t.Fatal(err)
		}
		return Docker{
			Engine: found, Image: tag, Port: conformance.Port,
			Env:    map[string]string{"APP_GREETING": "hello"},
			Limits: Limits{Memory: 64 << 20, CPU: 500}, Labels: map[string]string{testLabel: "test"},
		}
	}

	t.Run("runs the image with its limits and without privileges", func(t *testing.T) {
		g := newTestGroup(t, load(t, releases.One), nil)
		if err := g.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got := body(t, g, "/version"); got != "one" {
			t.Errorf("GET /version answers %q", got)
		}
		if got := body(t, g, "/env?name=APP_GREETING"); got != "hello" {
			t.Errorf("the app sees %q", got)
		}
		list, err := found.ContainerList(t.Context(), client.ContainerListOptions{})
		if err != nil || len(list.Items) != 1 {
			t.Fatalf("containers: %v, %v", list.Items, err)
		}
		info, err := found.ContainerInspect(t.Context(), list.Items[0].ID, client.ContainerInspectOptions{})
		if err != nil {
			t.Fatal(err)
		}
		h := info.Container.HostConfig
		if h.Memory != 64<<20 || h.NanoCPUs != 5e8 || fmt.Sprint(h.CapDrop) != "[ALL]" || fmt.Sprint(h.SecurityOpt) != "[no-new-privileges]" || h.Privileged {
			t.Errorf("host config %+v", h)
		}
		for _, bindings := range info.Container.NetworkSettings.Ports {
			for _, b := range bindings {
				if !b.HostIP.IsLoopback() {
					t.Errorf("published on %s", b.HostIP)
				}
			}
		}
	})
	t.Run("removes its containers", func(t *testing.T) { checkNoContainers(t, found) })
	t.Run("reports an app that dies as it starts", func(t *testing.T) {
		for range 5 {
			g := newTestGroup(t, load(t, releases.Crashing), nil)
			err := g.Start(t.Context())
			var unhealthy *targets.NotHealthyError
			if !errors.As(err, &unhealthy) || unhealthy.Reason != "it exited with status 3" || !strings.Contains(unhealthy.Output, "app cannot start") {
				t.Errorf("error %v: %+v", err, unhealthy)
			}
			checkNoContainers(t, found)
		}
	})
	t.Run("starts again what was killed", func(t *testing.T) {
		g := newTestGroup(t, load(t, releases.One), nil)
		if err := g.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		list, err := found.ContainerList(t.Context(), client.ContainerListOptions{})
		if err != nil || len(list.Items) != 1 {
			t.Fatalf("containers: %v, %v", list.Items, err)
		}
		if _, err := found.ContainerKill(t.Context(), list.Items[0].ID, client.ContainerKillOptions{Signal: "KILL"}); err != nil {
			t.Fatal(err)
		}
		if got := body(t, g, "/version"); got != "one" {
			t.Errorf("GET /version answers %q", got)
		}
	})
	t.Run("removes what another process left, and the image", func(t *testing.T) {
		d := load(t, releases.Two)
		if _, err := d.Start(t.Context(), Start{Name: "left-over", Stdout: io.Discard, Stderr: io.Discard}); err != nil {
			t.Fatal(err)
		}
		if err := found.RemoveContainers(t.Context(), testLabel, "another"); err != nil {
			t.Error(err)
		}
		if list, _ := found.ContainerList(t.Context(), client.ContainerListOptions{All: true}); len(list.Items) != 1 {
			t.Errorf("containers of another label are gone: %v", list.Items)
		}
		if err := found.RemoveContainers(t.Context(), testLabel, "test"); err != nil {
			t.Error(err)
		}
		checkNoContainers(t, found)
		if err := found.RemoveImage(t.Context(), d.Image); err != nil {
			t.Error(err)
		}
		if _, err := found.ImageInspect(t.Context(), d.Image); err == nil {
			t.Errorf("image %s is still there", d.Image)
		}
	})
	t.Run("an image that cannot be written is an error", func(t *testing.T) {
		err := found.Load(t.Context(), "twofold.local/none:1", func(ctx context.Context, w io.Writer) error {
			io.WriteString(w, "not a tar")
			return errNoRoom
		})
		if err == nil {
			t.Error("no error")
		}
	})
}

func TestNoEngineIsAnErrorThatSaysWhere(t *testing.T) {
	for host, want := range map[string]string{
		"unix:///nonexistent.sock": "no Docker Engine answers: unix:///nonexistent.sock",
		"tcp://192.0.2.1:2375":     "is not on this machine",
	} {
		t.Setenv("DOCKER_HOST", host)
		began := time.Now()
		_, err := engine.FindLocal(t.Context())
		if err == nil || !strings.Contains(err.Error(), want) || time.Since(began) > 2*time.Second {
			t.Errorf("DOCKER_HOST=%s: %v after %s", host, err, time.Since(began))
		}
	}
}

func checkNoContainers(t *testing.T, e *engine.Engine) {
	t.Helper()
	list, err := e.ContainerList(context.Background(), client.ContainerListOptions{All: true})
	if err != nil || len(list.Items) != 0 {
		t.Errorf("containers %+v are left over (%v)", list.Items, err)
	}
}

// body returns the body of a 200 answer, asking through a real connection.
func body(t *testing.T, h http.Handler, path string) string {
	t.Helper()
	front := httptest.NewServer(h)
	defer front.Close()
	resp, err := http.Get(front.URL + path)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("GET %s: %d %s %v", path, resp.StatusCode, text, err)
	}
	return string(text)
}
