//go:build e2e

package docker

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/twofoldhq/twofold/manifest/schema"
	"github.com/twofoldhq/twofold/targets"
	"github.com/twofoldhq/twofold/targets/conformance"
	"github.com/twofoldhq/twofold/targets/engine/enginetest"
	"github.com/twofoldhq/twofold/targets/queue/queuetest"
	"github.com/twofoldhq/twofold/targets/secretfile"
)

var releases *conformance.Releases

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "twofold-docker-")
	if err == nil {
		releases, err = conformance.MakeReleases(context.Background(), dir)
	}
	code := 1
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
	} else {
		code = m.Run()
	}
	os.RemoveAll(dir)
	os.Exit(code)
}

// newTestTarget is a target on an engine of the test's own.
func newTestTarget(t *testing.T, values schema.Values) *Target {
	t.Helper()
	t.Setenv("DOCKER_HOST", enginetest.Start(t))
	return targetOf(t, values)
}

func targetOf(t *testing.T, values schema.Values) *Target {
	t.Helper()
	made, err := Plugin().Open("server", values)
	if err != nil {
		t.Fatal(err)
	}
	return made.(*Target)
}

// docker runs the docker command, and returns its lines.
func docker(t *testing.T, args ...string) []string {
	t.Helper()
	out, err := exec.Command("docker", args...).CombinedOutput()
	if err != nil {
		t.Errorf("docker %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return strings.Fields(string(out))
}

func TestConformance(t *testing.T) {
	t.Setenv("DOCKER_HOST", enginetest.Start(t))
	server := queuetest.Start(t, engineAddress)
	target := targetOf(t, schema.Values{"queues": map[string]string{"messages": server.URL("messages")}})
	dir := t.TempDir()
	for _, f := range conformance.Run(t.Context(), conformance.Config{
		Target: target, Releases: releases, Start: 20 * time.Second, Log: t.Logf, Rate: 200,
		Dir: dir, SetSecret: setSecret(dir), Volumes: true, Schedules: true, Queue: "messages", Send: sendTo(server, "messages"),
	}) {
		t.Error(f)
	}
	if left := docker(t, "ps", "--all", "--quiet"); len(left) != 0 {
		t.Errorf("containers after everything was destroyed: %q", docker(t, "ps", "--all", "--format", "{{.Names}}"))
	}
	for _, image := range docker(t, "images", "--format", "{{.Repository}}") {
		if image != imagePrefix+"gateway" {
			t.Errorf("image %s is left", image)
		}
	}
	if left := docker(t, "network", "ls", "--quiet", "--filter", "label="+labelProject); len(left) > 1 {
		t.Errorf("networks are left: %q", left)
	}
}

// setSecret adds secrets to the file of a project.
func setSecret(dir string) func(context.Context, string, string) (targets.Secret, error) {
	return func(_ context.Context, name, value string) (targets.Secret, error) {
		f, err := os.OpenFile(filepath.Join(dir, secretfile.FileName), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
		if err != nil {
			return targets.Secret{}, err
		}
		defer f.Close()
		_, err = fmt.Fprintf(f, "%s='%s'\n", name, value)
		return targets.Secret{Name: name, From: "shop/" + name}, err
	}
}
