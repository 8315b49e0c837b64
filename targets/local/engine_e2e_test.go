//go:build e2e

package local

import (
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/twofoldhq/twofold/targets"
	"github.com/twofoldhq/twofold/targets/conformance"
	"github.com/twofoldhq/twofold/targets/engine/enginetest"
)

func TestConformanceWithADockerEngine(t *testing.T) {
	address := enginetest.Start(t)
	t.Setenv("DOCKER_HOST", address)
	container, _ := newTargets(t)
	st, err := container.Deploy(t.Context(), deploymentOf(t))
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(st.Runner, "docker ") {
		t.Fatalf("the runner is %q", st.Runner)
	}
	dir := t.TempDir()
	for _, f := range conformance.Run(t.Context(), conformance.Config{
		Target: container, Releases: releases, Start: 20 * time.Second, Log: t.Logf,
		Dir: dir, SetSecret: setSecret(dir), Volumes: true, Schedules: true,
	}) {
		t.Error(f)
	}
	checkKilled(t, container.(*Target), st)
	if _, err := container.Destroy(t.Context(), st.Key); err != nil {
		t.Error(err)
	}
	for _, list := range [][]string{{"ps", "--all", "--quiet"}, {"images", "--quiet"}} {
		cmd := exec.Command("docker", list...)
		cmd.Env = append(os.Environ(), "DOCKER_HOST="+address)
		if out, err := cmd.CombinedOutput(); err != nil || len(out) != 0 {
			t.Errorf("docker %s after everything was destroyed: %s %v", strings.Join(list, " "), out, err)
		}
	}
}

// checkKilled kills the supervisor, whose containers go on running without it, and
// expects the next one to put things right.
func checkKilled(t *testing.T, target *Target, before targets.Status) {
	t.Helper()
	h, ok := target.client.Running(t.Context())
	if !ok {
		t.Fatal("no local host runs")
	}
	if err := syscall.Kill(h.Pid, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	st, err := target.Deploy(t.Context(), deploymentOf(t))
	if err != nil {
		t.Fatal(err)
	}
	if st.Changed || st.URL != before.URL || get(t, st.URL+"/version") != "one" {
		t.Errorf("after a kill there is %+v, before %+v", st, before)
	}
	if out, err := exec.Command("docker", "ps", "--quiet").Output(); err != nil || strings.Count(string(out), "\n") != 1 {
		t.Errorf("containers: %q, %v; want one", out, err)
	}
}
