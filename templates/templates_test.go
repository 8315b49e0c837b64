package templates_test

import (
	"bufio"
	"errors"
	"fmt"
	"go/format"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/twofoldhq/twofold/build"
	"github.com/twofoldhq/twofold/build/builders"
	"github.com/twofoldhq/twofold/manifest"
	"github.com/twofoldhq/twofold/templates"
)

func TestWriteMakesTheFiles(t *testing.T) {
	for name, want := range map[string][]string{
		"go":     {".gitignore", "go.mod", "main.go", "twofold.hcl"},
		"node":   {".gitignore", "package.json", "server.js", "twofold.hcl"},
		"python": {".gitignore", "server.py", "twofold.hcl"},
	} {
		dir := filepath.Join(t.TempDir(), "new/folder")
		written, err := templates.Write(dir, name, templates.Values{Project: "shop"})
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, written); diff != "" {
			t.Errorf("%s says: %s", name, diff)
		}
		if diff := cmp.Diff(want, list(t, dir)); diff != "" {
			t.Errorf("%s has: %s", name, diff)
		}
	}
}

func TestGoStarterIsFormatted(t *testing.T) {
	dir := t.TempDir()
	if _, err := templates.Write(dir, "go", templates.Values{Project: "shop"}); err != nil {
		t.Fatal(err)
	}
	have, err := os.ReadFile(filepath.Join(dir, "main.go"))
	if err != nil {
		t.Fatal(err)
	}
	want, err := format.Source(have)
	if diff := cmp.Diff(string(want), string(have)); diff != "" || err != nil {
		t.Error(diff, err)
	}
}

func list(t *testing.T, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

func TestWriteNeverWritesOver(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"twofold.hcl", "main.go"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("mine"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	_, err := templates.Write(dir, "go", templates.Values{Project: "shop"})
	var conflict *templates.ConflictError
	if !errors.As(err, &conflict) {
		t.Fatalf("got %v", err)
	}
	if diff := cmp.Diff([]string{"main.go", "twofold.hcl"}, slices.Sorted(slices.Values(conflict.Files))); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"main.go", "twofold.hcl"}, list(t, dir)); diff != "" {
		t.Errorf("written all the same: %s", diff)
	}
}

func TestFailureLeavesNothing(t *testing.T) {
	dir := t.TempDir()
	// A file where a folder has to be.
	if err := os.WriteFile(filepath.Join(dir, "file"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := templates.Write(filepath.Join(dir, "file"), "go", templates.Values{Project: "shop"}); err == nil {
		t.Error("no error")
	}
	if diff := cmp.Diff([]string{"file"}, list(t, dir)); diff != "" {
		t.Error(diff)
	}
}

func TestWrongValues(t *testing.T) {
	for _, c := range []struct {
		template string
		v        templates.Values
		want     string
	}{
		{"rust", templates.Values{Project: "shop"}, "go, node, python"},
		{"../go", templates.Values{Project: "shop"}, "no template"},
		{"go", templates.Values{}, "project name"},
		{"go", templates.Values{Project: `a"b`}, "project name"},
		{"go", templates.Values{Project: "shop-"}, "project name"},
		{"go", templates.Values{Project: "shop", Module: "a b"}, "module path"},
	} {
		dir := filepath.Join(t.TempDir(), "new")
		_, err := templates.Write(dir, c.template, c.v)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s, %+v: got %v", c.template, c.v, err)
		}
		if _, err := os.Stat(dir); err == nil {
			t.Errorf("%s, %+v: made the folder", c.template, c.v)
		}
	}
}

// Each starter is valid, builds, and does what the app contract asks for.
func TestStartersFollowTheAppContract(t *testing.T) {
	for _, template := range templates.All() {
		t.Run(template.Name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			if _, err := templates.Write(dir, template.Name, templates.Values{Project: "shop"}); err != nil {
				t.Fatal(err)
			}
			m, diagnostics := manifest.Load(manifest.Options{Path: dir, Builders: builders.Schemas()})
			if m == nil {
				t.Fatal(diagnostics.Err())
			}
			service := m.Services[0]
			builder, ok := builders.Find(service.Build.Builder)
			if !ok {
				t.Fatalf("no builder %q", service.Build.Builder)
			}
			trees, err := builder.Build(t.Context(), build.Request{
				Service: service.Name, Dir: dir, WorkDir: filepath.Join(dir, ".twofold/build"),
				Platforms: []build.Platform{{OS: "linux", Arch: runtime.GOARCH}}, Settings: service.Build.Settings,
			})
			if err != nil {
				t.Fatal(err)
			}
			if trees[0].Runtime != "" {
				if _, err := exec.LookPath(trees[0].Command[0]); err != nil {
					t.Logf("the starter builds; it is not run, since this machine has no %s", trees[0].Command[0])
					return
				}
			}
			checkContract(t, trees[0], service.Health.Path, service.Env)
		})
	}
}

func checkContract(t *testing.T, tr *build.Tree, health string, env map[string]string) {
	t.Helper()
	app, url := start(t, tr, env)
	for path, want := range map[string]string{health: "ok\n", "/": "Hello from shop\n", "/?q=1": "Hello from shop\n"} {
		if status, body := get(t, url+path); status != 200 || body != want {
			t.Errorf("%s: got %d %q", path, status, body)
		}
	}
	if status, _ := get(t, url+"/missing"); status != 404 {
		t.Errorf("/missing: got %d", status)
	}
	if err := app.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- app.Wait() }()
	select {
	case err := <-ended:
		if err != nil {
			t.Errorf("after SIGTERM: %v", err)
		}
	case <-time.After(10 * time.Second):
		t.Error("it does not end on SIGTERM")
	}
}

// start starts the app where its files are, and waits until it says that it
// listens.
func start(t *testing.T, tr *build.Tree, env map[string]string) (*exec.Cmd, string) {
	t.Helper()
	port := freePort(t)
	app := exec.Command(tr.Command[0], tr.Command[1:]...)
	app.Dir = filepath.Dir(tr.Files[0].Source)
	app.Env = append(os.Environ(), "PORT="+strconv.Itoa(port), "PYTHONDONTWRITEBYTECODE=1")
	for name, value := range env {
		app.Env = append(app.Env, name+"="+value)
	}
	r, w := io.Pipe()
	app.Stdout, app.Stderr = w, w
	if err := app.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { app.Process.Kill() })
	lines := bufio.NewScanner(r)
	if !lines.Scan() || !strings.Contains(lines.Text(), "listening on") {
		t.Fatalf("it says %q", lines.Text())
	}
	go io.Copy(io.Discard, r)
	url := fmt.Sprintf("http://127.0.0.1:%d", port)
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(time.Millisecond) {
		c, err := net.Dial("tcp", url[len("http://"):])
		if err == nil {
			c.Close()
			return app, url
		}
		if time.Now().After(deadline) {
			t.Fatal(err)
		}
	}
}

func freePort(t *testing.T) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}

func get(t *testing.T, url string) (int, string) {
	t.Helper()
	response, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, string(body)
}
