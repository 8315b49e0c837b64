//go:build e2e

package kubernetes

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/twofoldhq/twofold/manifest/schema"
	"github.com/twofoldhq/twofold/targets"
	"github.com/twofoldhq/twofold/targets/conformance"
	"github.com/twofoldhq/twofold/targets/kubernetes/kubetest"
)

// TestConformance runs the suite on a real cluster, in a namespace that lets in only what
// the profile "restricted" allows. Volumes are left out: the cluster makes none by itself.
func TestConformance(t *testing.T) {
	c, err := kubetest.Start(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Stop(); err != nil {
			t.Error(err)
		}
	})
	releases, err := conformance.MakeReleases(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	kubectl(t, c, restrictedNamespace, "apply", "-f", "-")
	target, err := Plugin().Open("cluster", schema.Values{
		"kubeconfig": c.Kubeconfig, "namespace": "shop", "registry": c.Registry + "/shop", "service_type": "NodePort",
	})
	if err != nil {
		t.Fatal(err)
	}
	program := twofold(t)
	target.(*Target).program = func() (string, error) { return program, nil }
	for _, f := range conformance.Run(t.Context(), conformance.Config{
		Target: target, Releases: releases, Start: 10 * time.Second, Log: t.Logf, Rate: 200, Dir: t.TempDir(), Schedules: true,
		SetSecret: func(ctx context.Context, name, value string) (targets.Secret, error) {
			kubectl(t, c, "", "-n", "shop", "create", "secret", "generic", "store", "--from-literal="+name+"="+value)
			return targets.Secret{Name: name, From: "store/" + name}, nil
		},
	}) {
		t.Error(f)
	}
	left := strings.Fields(kubectl(t, c, "", "-n", "shop", "get", "all,configmaps,secrets,leases,networkpolicies,serviceaccounts", "-l", labelManagedBy+"="+managedBy, "-o", "name"))
	if len(left) != 0 {
		t.Errorf("left after everything was destroyed: %q", left)
	}
}

// twofold builds the program as it is released: schedules are fired by it.
func twofold(t *testing.T) string {
	t.Helper()
	program := filepath.Join(t.TempDir(), "twofold")
	build := exec.CommandContext(t.Context(), "go", "build", "-o", program, "github.com/twofoldhq/twofold")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	return program
}
