package host

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/twofoldhq/twofold/release"
	"github.com/twofoldhq/twofold/targets"
	"github.com/twofoldhq/twofold/targets/conformance"
	"github.com/twofoldhq/twofold/targets/local/sandbox"
)

// releases are made once for all tests.
var releases *conformance.Releases

// crashVariable makes a supervisor that a test starts kill itself at a moment.
const crashVariable = "TWOFOLD_TEST_CRASH_AT"

// TestMain makes the test binary fit to be started again as twofold is.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 {
		switch os.Args[1] {
		case sandbox.InitCommand:
			os.Exit(sandbox.Init())
		case HostCommand:
			os.Exit(testHost(os.Args[2:]))
		}
	}
	os.Exit(func() int {
		dir, err := os.MkdirTemp("", "twofold-host-test-")
		if err == nil {
			defer os.RemoveAll(dir)
			releases, err = conformance.MakeReleases(context.Background(), dir)
		}
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		os.Setenv("DOCKER_HOST", "unix:///nonexistent.sock")
		return m.Run()
	}())
}

// testHost is Main, or a supervisor that dies at the moment that a test names.
func testHost(args []string) int {
	moment := os.Getenv(crashVariable)
	if moment == "" {
		return Main(context.Background(), args)
	}
	layout, err := NewLayout(args[1])
	if err == nil {
		err = run(context.Background(), layout, "test", func(s *supervisor) {
			s.crash = func(now string) {
				if now == moment {
					syscall.Kill(os.Getpid(), syscall.SIGKILL)
					select {}
				}
			}
		})
	}
	if err != nil {
		return 1
	}
	return 0
}

const containerTarget = "local.container"

// newClient returns the client of a local host of its own, which ends with the
// test.
func newClient(t *testing.T) Client {
	t.Helper()
	return clientIn(t, t.TempDir())
}

func clientIn(t *testing.T, state string) Client {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	layout, err := NewLayout(state)
	if err != nil {
		t.Fatal(err)
	}
	c := Client{Layout: layout, Executable: self, Version: "test"}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		if err := c.End(ctx); err != nil {
			t.Error(err)
		}
		if t.Failed() {
			log, _ := os.ReadFile(layout.Log())
			t.Logf("host.log:\n%s", log)
		}
	})
	return c
}

func testKey() targets.Key {
	return targets.Key{Project: conformance.Project, Service: conformance.Service, Environment: "default"}
}

func request(r *release.Release) DeployRequest {
	return DeployRequest{
		Key: testKey(), Target: containerTarget, Form: release.Image, Release: r.Digest,
		Spec: Spec{Port: conformance.Port, Health: conformance.Health, Start: 20 * time.Second, Timeout: 10 * time.Second},
	}
}

func deploy(t *testing.T, c Client, r *release.Release) targets.Status {
	t.Helper()
	st, err := c.Deploy(t.Context(), request(r), r.CopyTo, nil)
	if err != nil {
		t.Fatal(err)
	}
	return st
}

func status(t *testing.T, c Client) targets.Status {
	t.Helper()
	list, err := c.Status(t.Context(), targets.Filter{}, containerTarget)
	if err != nil || len(list) != 1 {
		t.Fatalf("status: %+v, %v; want one deployment", list, err)
	}
	return list[0]
}

func get(t *testing.T, url string) string {
	t.Helper()
	resp, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("GET %s: %d %s %v", url, resp.StatusCode, body, err)
	}
	return string(body)
}

// kill ends the supervisor as a power failure would, and waits until it is gone.
func kill(t *testing.T, c Client) {
	t.Helper()
	h, ok := c.Running(t.Context())
	if !ok {
		t.Fatal("no supervisor runs")
	}
	if err := syscall.Kill(h.Pid, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	waitForLock(t, c)
}

// waitForLock waits until no supervisor holds the lock, and so none lives.
func waitForLock(t *testing.T, c Client) {
	t.Helper()
	for {
		unlock, err := tryLock(c.Layout.lock())
		if err == nil {
			unlock()
			return
		}
		if t.Context().Err() != nil {
			t.Fatal("the supervisor does not end")
		}
		time.Sleep(time.Millisecond)
	}
}

// checkFiles waits until the local host's folder holds whole deployments of these
// releases and nothing else. What a deploy replaced goes shortly after it.
func checkFiles(t *testing.T, c Client, want ...*release.Release) {
	t.Helper()
	var names []string
	for _, r := range want {
		names = append(names, releaseName(r.Digest))
	}
	eventually(t, func() error {
		var found []string
		for _, pattern := range []string{"incoming/*", "deployments/*/releases/*", "deployments/*/.new-*", "deployments/*/releases/*/" + stagingPrefix + "*"} {
			matches, _ := filepath.Glob(filepath.Join(c.Layout.Dir, pattern))
			for _, m := range matches {
				found = append(found, filepath.Base(m))
			}
		}
		if !slices.Equal(found, names) {
			return fmt.Errorf("the local host has the files %q, want %q", found, names)
		}
		return nil
	})
}

// processes returns the processes that have a text in their environment, which
// is how a test knows its own app's.
func processes(t *testing.T, text string) []string {
	t.Helper()
	environs, err := filepath.Glob("/proc/[0-9]*/environ")
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	for _, path := range environs {
		environ, err := os.ReadFile(path)
		if err == nil && strings.Contains(string(environ), text) {
			found = append(found, strings.Split(path, "/")[2])
		}
	}
	return found
}

func isLost(err error) bool {
	return err != nil && strings.Contains(err.Error(), "the local host went away") && !errors.Is(err, context.Canceled)
}
