package cli

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/twofoldhq/twofold/manifest"
	"github.com/twofoldhq/twofold/release"
)

const hooked = "project = \"shop\"\nservice \"api\" {\n  build \"go\" {}\n  hook \"note\" {\n    when  = \"before\"\n    where = \"machine\"\n    run   = [\"sh\"]\n  }\n}\n"

// runHook runs a hook of that command on the machine, and returns what it printed.
func runHook(t *testing.T, ctx context.Context, timeout time.Duration, run ...string) (string, error) {
	t.Helper()
	m := loadManifest(t, hooked)
	var out bytes.Buffer
	terminal := newTerminal(Streams{Out: &out, Err: &out})
	w := &work{project: &project{Manifest: m, terminal: terminal}}
	i := intent{placement: placement{service: m.Services[0]}, release: &release.Release{Digest: "sha256:0"}}
	err := w.hook(ctx, i, &manifest.Hook{Name: "note", Run: run, OnMachine: true, Timeout: timeout, Env: map[string]string{"MODE": "test"}}, "http://127.0.0.1:1")
	return out.String(), err
}

func TestAHookOnTheMachineKnowsWhatItIsThereFor(t *testing.T) {
	out, err := runHook(t, t.Context(), time.Minute, "sh", "-c", "echo $TWOFOLD_PROJECT $TWOFOLD_SERVICE $TWOFOLD_ENVIRONMENT $TWOFOLD_RELEASE $TWOFOLD_URL $MODE")
	if err != nil {
		t.Fatal(err)
	}
	if want := "shop api default sha256:0 http://127.0.0.1:1 test"; !strings.Contains(out, want) {
		t.Errorf("%q is not in %q", want, out)
	}
}

func TestAHookThatFailsOrIsMissingSaysSo(t *testing.T) {
	if _, err := runHook(t, t.Context(), time.Minute, "sh", "-c", "exit 3"); err == nil || !strings.Contains(err.Error(), "exit status 3") {
		t.Errorf("a failure: %v", err)
	}
	_, err := runHook(t, t.Context(), time.Minute, "no-such-command")
	var located *manifest.Diagnostics
	if !errors.As(err, &located) || located.All()[0].Range == nil || located.All()[0].Range.Start.Line != 7 {
		t.Errorf("a command that is not there: %v", err)
	}
}

func TestAHookEndsWithItsTimeAndWithTheDeploy(t *testing.T) {
	began := time.Now()
	if _, err := runHook(t, t.Context(), 50*time.Millisecond, "sleep", "300"); err == nil || !strings.Contains(err.Error(), "longer than 50ms") || hint(err) == "" {
		t.Errorf("a hook that takes too long: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := runHook(t, ctx, time.Minute, "sleep", "300"); !errors.Is(err, context.Canceled) {
		t.Errorf("a deploy that is cancelled: %v", err)
	}
	if time.Since(began) > time.Minute {
		t.Error("it was waited for the command")
	}
}
