//go:build e2e

package local

import (
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/twofoldhq/twofold/targets/conformance"
	"github.com/twofoldhq/twofold/targets/local/container/enginetest"
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
	for _, f := range conformance.Run(t.Context(), conformance.Config{
		Target: container, Releases: releases, Start: 20 * time.Second, Log: t.Logf,
	}) {
		t.Error(f)
	}
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
