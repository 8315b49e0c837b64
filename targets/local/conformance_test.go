package local

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/twofoldhq/twofold/targets"
	"github.com/twofoldhq/twofold/targets/conformance"
	"github.com/twofoldhq/twofold/targets/secretfile"
)

func TestConformance(t *testing.T) {
	container, function := newTargets(t)
	for _, target := range []targets.Target{container, function} {
		t.Run(target.Info().Name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			for _, f := range conformance.Run(t.Context(), conformance.Config{
				Target: target, Releases: releases, Start: 10 * time.Second, Log: t.Logf,
				Dir: dir, SetSecret: setSecret(dir), Volumes: true, Schedules: !testing.Short(),
			}) {
				t.Error(f)
			}
		})
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
