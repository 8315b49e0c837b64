package local

import (
	"testing"
	"time"

	"github.com/twofoldhq/twofold/targets"
	"github.com/twofoldhq/twofold/targets/conformance"
)

func TestConformance(t *testing.T) {
	container, function := newTargets(t)
	for _, target := range []targets.Target{container, function} {
		t.Run(target.Info().Name, func(t *testing.T) {
			t.Parallel()
			for _, f := range conformance.Run(t.Context(), conformance.Config{
				Target: target, Releases: releases, Start: 10 * time.Second, Log: t.Logf,
			}) {
				t.Error(f)
			}
		})
	}
}
