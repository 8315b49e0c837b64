//go:build e2e

package docker

import (
	"strings"
	"testing"

	"github.com/twofoldhq/twofold/manifest/schema"
	"github.com/twofoldhq/twofold/targets/engine/enginetest"
)

// TestPodman has the service of Podman in the place of an engine.
func TestPodman(t *testing.T) {
	target := targetOf(t, schema.Values{"host": enginetest.StartPodman(t)})
	for _, step := range []struct {
		name, serves string
		changes      bool
	}{{"deploy", "one", true}, {"deploy again", "one", false}, {"new release", "two", true}} {
		d := deploymentOf(releases.One)
		if step.serves == "two" {
			d = deploymentOf(releases.Two)
		}
		st, err := target.Deploy(t.Context(), d)
		if err != nil {
			t.Fatalf("%s: %v", step.name, err)
		}
		if st.Changed != step.changes || !strings.HasPrefix(st.Runner, "podman ") {
			t.Errorf("%s: %+v", step.name, st)
		}
		if got := answer(t, st.URL+"/version"); got != step.serves {
			t.Errorf("%s: GET /version answers %q", step.name, got)
		}
	}
	if was, err := target.Destroy(t.Context(), deploymentOf(nil).Key); err != nil || !was {
		t.Errorf("destroy: %t, %v", was, err)
	}
}
