package host

import (
	"slices"
	"testing"
)

func TestSupervisorGetsNoVariableOfAManifest(t *testing.T) {
	got := hostEnv([]string{"PATH=/bin", "TWOFOLD_VAR_password=hunter2", "AWS_SECRET_ACCESS_KEY=x", "TWOFOLD_STATE_DIR=/s", "DOCKER_HOST=unix:///d"})
	if want := []string{"PATH=/bin", "TWOFOLD_STATE_DIR=/s", "DOCKER_HOST=unix:///d"}; !slices.Equal(got, want) {
		t.Errorf("it gets %q, want %q", got, want)
	}
}
