package local

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"testing"
	"time"

	"github.com/twofoldhq/twofold/targets"
	"github.com/twofoldhq/twofold/targets/conformance"
	"github.com/twofoldhq/twofold/targets/local/host"
	"github.com/twofoldhq/twofold/targets/local/sandbox"
)

// releases are made once for all tests.
var releases *conformance.Releases

// TestMain makes the test binary fit to be started again as twofold is.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 {
		switch os.Args[1] {
		case sandbox.InitCommand:
			os.Exit(sandbox.Init())
		case host.HostCommand:
			os.Exit(host.Main(context.Background(), os.Args[2:]))
		}
	}
	os.Exit(func() int {
		dir, err := os.MkdirTemp("", "twofold-local-test-")
		if err == nil {
			defer os.RemoveAll(dir)
			releases, err = conformance.MakeReleases(context.Background(), dir)
		}
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		// A Docker Engine of the developer's machine has tests of its own.
		os.Setenv("DOCKER_HOST", "unix:///nonexistent.sock")
		return m.Run()
	}())
}

// newTargets returns local.container and local.function with a local host of
// their own, which ends with the test.
func newTargets(t *testing.T) (container, function targets.Target) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	state := t.TempDir()
	list := Targets(Options{StateDir: state, Executable: self, Version: "test"})
	t.Cleanup(func() {
		for _, target := range list {
			all, err := target.Status(context.Background(), targets.Filter{})
			if err != nil {
				t.Error(err)
			}
			for _, st := range all {
				if _, err := target.Destroy(context.Background(), st.Key); err != nil {
					t.Error(err)
				}
			}
		}
		if t.Failed() {
			log, _ := os.ReadFile(state + "/local/host.log")
			t.Logf("host.log:\n%s", log)
		}
	})
	return list[0], list[1]
}

func deploymentOf(t *testing.T) targets.Deployment {
	return targets.Deployment{
		Key:     targets.Key{Project: conformance.Project, Service: conformance.Service, Environment: "default"},
		Release: releases.One, Port: conformance.Port, Health: conformance.Health,
		Start: 10 * time.Second, Timeout: 10 * time.Second,
		Events: func(e targets.Event) { t.Log("event:", e.Message) },
	}
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

func TestDeployAnswersAtItsURL(t *testing.T) {
	container, function := newTargets(t)
	for _, target := range []targets.Target{container, function} {
		t.Run(target.Info().Name, func(t *testing.T) {
			st, err := target.Deploy(t.Context(), deploymentOf(t))
			if err != nil {
				t.Fatal(err)
			}
			if got := get(t, st.URL+"/version"); got != "one" {
				t.Errorf("GET /version = %q, want one", got)
			}
			t.Logf("%+v", st)
		})
	}
}
