package host

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/twofoldhq/twofold/release"
	"github.com/twofoldhq/twofold/targets"
)

// The moments at which a supervisor is killed while it replaces release one with
// two, and the release that counts from then on.
func TestKilledDuringADeployItIsTheOldOrTheNewOneWhole(t *testing.T) {
	for _, test := range []struct {
		moment string
		want   string
	}{
		{"taken in", "one"}, {"prepared", "one"}, {"unpacked", "one"}, {"started", "one"},
		{"committed", "two"}, {"switched", "two"},
	} {
		t.Run(test.moment, func(t *testing.T) {
			c := newClient(t)
			first := deploy(t, c, releases.One)
			if err := c.End(t.Context()); err != nil {
				t.Fatal(err)
			}
			t.Setenv(crashVariable, test.moment)
			if _, err := c.Deploy(t.Context(), request(releases.Two), releases.Two.CopyTo, nil); !isLost(err) {
				t.Fatalf("deploy with a crash: %v", err)
			}
			os.Unsetenv(crashVariable)
			waitForLock(t, c)

			st := status(t, c)
			if st.State != targets.Stopped || st.Detail == "" {
				t.Errorf("status without a supervisor is %s, %q", st.State, st.Detail)
			}
			serving := map[string]*release.Release{"one": releases.One, "two": releases.Two}[test.want]
			if st.Release != serving.Digest || st.URL != first.URL {
				t.Errorf("the record is %+v, want release %s at %s", st, test.want, first.URL)
			}
			if again := deploy(t, c, serving); again.Changed {
				t.Errorf("the deploy of what counts changed something: %+v", again)
			}
			if got := get(t, first.URL+"/version"); got != test.want {
				t.Errorf("release %q answers, want %q", got, test.want)
			}
			checkFiles(t, c, serving)
			deploy(t, c, releases.Two)
			if got := get(t, first.URL+"/version"); got != "two" {
				t.Errorf("after the next deploy release %q answers", got)
			}
		})
	}
}

func TestKilledDuringAFirstDeployNothingIsLeft(t *testing.T) {
	for _, moment := range []string{"taken in", "prepared", "unpacked", "started"} {
		t.Run(moment, func(t *testing.T) {
			c := newClient(t)
			t.Setenv(crashVariable, moment)
			if _, err := c.Deploy(t.Context(), request(releases.One), releases.One.CopyTo, nil); !isLost(err) {
				t.Fatalf("deploy with a crash: %v", err)
			}
			os.Unsetenv(crashVariable)
			waitForLock(t, c)
			if list, err := c.Status(t.Context(), targets.Filter{}, containerTarget); err != nil || len(list) != 0 {
				t.Errorf("status is %v, %v; want nothing", list, err)
			}
			// Any command that needs the supervisor brings one, which cleans up.
			if existed, err := c.Destroy(t.Context(), testKey(), containerTarget); err != nil || existed {
				t.Errorf("destroy: %t, %v", existed, err)
			}
			checkFiles(t, c)
			checkNoDeployments(t, c)
		})
	}
}

func TestKilledDuringADestroyItIsGone(t *testing.T) {
	c := newClient(t)
	t.Setenv(crashVariable, "record removed")
	deploy(t, c, releases.One)
	if _, err := c.Destroy(t.Context(), testKey(), containerTarget); !isLost(err) {
		t.Fatalf("destroy with a crash: %v", err)
	}
	os.Unsetenv(crashVariable)
	waitForLock(t, c)
	if list, err := c.Status(t.Context(), targets.Filter{}, containerTarget); err != nil || len(list) != 0 {
		t.Errorf("status is %v, %v; want nothing", list, err)
	}
	if existed, err := c.Destroy(t.Context(), testKey(), containerTarget); err != nil || existed {
		t.Errorf("destroy again: %t, %v", existed, err)
	}
	checkNoDeployments(t, c)
}

func checkNoDeployments(t *testing.T, c Client) {
	t.Helper()
	entries, err := os.ReadDir(c.Layout.deployments())
	if err != nil || len(entries) != 0 {
		t.Errorf("deployments folder: %v, %v; want it empty", entries, err)
	}
}

// The supervisor is killed at random instants; the seed is fixed, though the
// machine is not.
func TestKilledAtAnyInstantTheNextDeployRepairsIt(t *testing.T) {
	c := newClient(t)
	random := rand.New(rand.NewPCG(1, 2))
	mark := "mark-" + strconv.FormatUint(rand.Uint64(), 36)
	both := []*release.Release{releases.One, releases.Two}
	for n := range 12 {
		req := request(both[n%2])
		req.Spec.Env = map[string]string{"MARK": mark}
		ended := make(chan error, 1)
		go func() {
			_, err := c.Deploy(t.Context(), req, both[n%2].CopyTo, nil)
			ended <- err
		}()
		time.Sleep(time.Duration(random.IntN(400)) * time.Millisecond)
		if h, ok := c.Running(t.Context()); ok {
			syscall.Kill(h.Pid, syscall.SIGKILL)
		}
		if err := <-ended; err != nil {
			t.Logf("deploy %d: %v", n, err)
		}
		if _, err := c.Status(t.Context(), targets.Filter{}, containerTarget); err != nil {
			t.Fatalf("status after kill %d: %v", n, err)
		}
	}
	req := request(releases.Two)
	req.Spec.Env = map[string]string{"MARK": mark}
	st, err := c.Deploy(t.Context(), req, releases.Two.CopyTo, nil)
	if err != nil {
		t.Fatal(err)
	}
	if got := get(t, st.URL+"/version"); got != "two" {
		t.Errorf("release %q answers", got)
	}
	eventually(t, func() error {
		if found := processes(t, mark); len(found) != 1 {
			return fmt.Errorf("%d processes of the app, want 1: %v", len(found), found)
		}
		return nil
	})
	checkFiles(t, c, releases.Two)
	if _, err := c.Destroy(t.Context(), testKey(), containerTarget); err != nil {
		t.Fatal(err)
	}
	if found := processes(t, mark); len(found) != 0 {
		t.Errorf("processes %v are left after destroy", found)
	}
	checkNoDeployments(t, c)
}

// eventually waits for what has no event to wait for.
func eventually(t *testing.T, check func() error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	for {
		err := check()
		if err == nil {
			return
		}
		select {
		case <-ctx.Done():
			t.Error(err)
			return
		case <-time.After(10 * time.Millisecond):
		}
	}
}
