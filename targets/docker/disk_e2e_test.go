//go:build e2e

package docker

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/twofoldhq/twofold/targets"
	"github.com/twofoldhq/twofold/targets/engine/enginetest"
)

// room is more than any test needs.
const room = 1 << 30

// TestADiskThatIsFull deploys to a machine whose disk has no room from one moment on:
// the error says what to do, what served serves on, and nothing is left over.
func TestADiskThatIsFull(t *testing.T) {
	disk := enginetest.NewDisk(t)
	t.Setenv("DOCKER_HOST", enginetest.New(t, disk.Path).Address)
	target := targetOf(t, nil)
	d := deploymentOf(releases.One)
	// fails deploys when the disk is full as soon as the deploy says that.
	fails := func(t *testing.T, when string, says ...string) {
		t.Helper()
		disk.Leave(t, room)
		if when == "" {
			disk.Leave(t, 1<<20)
		}
		d := d
		d.Events = func(e targets.Event) {
			if when != "" && strings.HasPrefix(e.Message, when) {
				disk.Leave(t, 0)
			}
		}
		_, err := target.Deploy(t.Context(), d)
		if err == nil {
			t.Fatal("a deploy to a full disk returns no error")
		}
		t.Log(err)
		for _, part := range append(says, "no space left on device: the disk of the engine", `"docker image prune --all"`, `keep_releases (3 now)`) {
			if !strings.Contains(err.Error(), part) {
				t.Errorf("the error does not say %q: %v", part, err)
			}
		}
		if strings.Contains(err.Error(), "did not get ready") {
			t.Errorf("the error is put down to the app: %v", err)
		}
	}
	all := func() []string {
		return slices.Concat(docker(t, "ps", "--all", "--format", "{{.Names}}"), docker(t, "volume", "ls", "--quiet"),
			docker(t, "images", "--format", "{{.Repository}}", "--filter", "reference="+imagePrefix+"shop-*"))
	}
	for _, when := range []string{"", "waiting for /healthz"} {
		fails(t, when)
		if left := all(); len(left) > 0 {
			t.Errorf("a first deploy with a disk that is full %q has left %q", when, left)
		}
	}
	disk.Leave(t, room)
	st, err := target.Deploy(t.Context(), d)
	if err != nil {
		t.Fatal(err)
	}
	before := all()
	d.Release = releases.Two
	for _, c := range []struct{ when, says string }{
		{"handing over the image", "packed and more unpacked"},
		{"starting the containers", "make container"},
		{"waiting for /healthz", "keep the routes"},
	} {
		t.Run("after a deploy, "+c.when, func(t *testing.T) {
			fails(t, c.when, c.says)
			serves(t, target, st.URL, releases.One.Digest, "one")
			if now := all(); !slices.Equal(now, before) {
				t.Errorf("now there are %q, and before %q", now, before)
			}
		})
	}
	t.Run("while it serves", func(t *testing.T) {
		// The disk takes no line of the app's log any more.
		for range 100 {
			answer(t, st.URL+"/print?text="+strings.Repeat("x", 4<<10))
		}
		serves(t, target, st.URL, releases.One.Digest, "one")
		// An engine with a full disk does not start a container again that has ended.
		resp, err := http.Get(st.URL + "/exit")
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		now := awaitState(t, target, targets.Failing)
		t.Log(now.Detail)
		if !strings.Contains(now.Detail, "does not run") || !strings.Contains(now.Detail, "twofold deploy api") {
			t.Errorf("the status says %q", now.Detail)
		}
	})
	disk.Leave(t, room)
	if _, err := target.Deploy(t.Context(), d); err != nil {
		t.Fatalf("when there is room again: %v", err)
	}
	serves(t, target, st.URL, releases.Two.Digest, "two")
	disk.Leave(t, 0)
	if _, err := targets.Rollback(t.Context(), target, targets.RollbackRequest{Key: d.Key}); !full(err) {
		t.Errorf("a rollback on a full disk: %v", err)
	} else {
		t.Log(err)
	}
	serves(t, target, st.URL, releases.Two.Digest, "two")
	disk.Leave(t, room)
	if p, err := target.Plan(t.Context(), d); err != nil || p.Action != targets.ActionNone {
		t.Errorf("after all that the plan is %+v, %v", p, err)
	}
}

// serves checks what answers, and that the status says so.
func serves(t *testing.T, target targets.Target, url, digest, version string) {
	t.Helper()
	if got := answer(t, url+"/version"); got != version {
		t.Errorf("%q answers, and not %q", got, version)
	}
	list, err := target.Status(t.Context(), targets.Filter{})
	if err != nil || len(list) != 1 || list[0].State != targets.Running || list[0].Release != digest || list[0].Instances != 1 {
		t.Errorf("the status is %+v, %v", list, err)
	}
}

// awaitState asks for the status until the one deployment is in that state.
func awaitState(t *testing.T, target targets.Target, want targets.State) targets.Status {
	t.Helper()
	limited, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for {
		list, err := target.Status(limited, targets.Filter{})
		if err == nil && len(list) == 1 && list[0].State == want {
			return list[0]
		}
		if limited.Err() != nil {
			t.Fatalf("the status is %+v, %v, and not %s", list, err, want)
		}
	}
}
