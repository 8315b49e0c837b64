//go:build e2e

package docker

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/twofoldhq/twofold/manifest/schema"
	"github.com/twofoldhq/twofold/release"
)

// TestANetworkThatGoesSilent swallows what a deploy and its engine say to each other from
// one point on, and tells neither: the deploy ends, what served serves on, and a deploy
// from another machine does not wait for one that is gone.
func TestANetworkThatGoesSilent(t *testing.T) {
	i := newInterruptions(t)
	i.wire.silent, i.target.silence = true, time.Second
	i.target.settings.keep = 0 // so that each deploy hands over an image
	other := targetOf(t, schema.Values{"host": "unix://" + i.wire.engine, "keep_releases": int64(0)})
	i.converges(t, releases.One, "one")
	st := i.converges(t, releases.Two, "two")
	i.converges(t, releases.One, "one")
	calls, _ := i.wire.made()
	number := func(name string) int {
		if !slices.Contains(calls, name) {
			t.Fatalf("a deploy has no call %q: %q", name, calls)
		}
		return slices.Index(calls, name) + 1
	}
	now, next := releases.One, releases.Two
	answers := map[*release.Release]string{releases.One: "one", releases.Two: "two"}
	for _, c := range []struct {
		name  string
		at    point
		moved bool
		rare  bool // only with -every-point
	}{
		{"before the lock is taken", point{call: number("gateway hold")}, false, true},
		{"with the lock", point{call: number("gateway hold"), after: true}, false, true},
		{"in the midst of the image", point{call: number("POST /images/load"), within: 1 << 10}, false, false},
		{"as a container is made", point{call: number("POST /containers/create"), after: true}, false, true},
		{"before the switch", point{call: number("gateway set")}, false, true},
		{"after the switch", point{call: number("gateway set"), after: true}, true, false},
	} {
		if c.rare && !*everyPoint {
			continue
		}
		t.Run(c.name, func(t *testing.T) {
			i.wire.set(c.at)
			i.d.Release = next
			began := time.Now()
			_, err := i.target.Deploy(t.Context(), i.d)
			t.Logf("after %.1f s: %v", time.Since(began).Seconds(), err)
			if _, cut := i.wire.made(); !cut {
				t.Fatal("it was not cut off")
			}
			if err == nil || !strings.Contains(err.Error(), "has not answered for 1s") || !strings.Contains(err.Error(), "docker --host "+i.wire.address+" version") {
				t.Errorf("the error is %v", err)
			}
			serves := now
			if c.moved {
				serves = next
			}
			if got := answer(t, st.URL+"/version"); got != answers[serves] {
				t.Errorf("meanwhile %q answers, and not %q", got, answers[serves])
			}
			began = time.Now()
			if _, err := other.Deploy(t.Context(), i.d); err != nil {
				t.Errorf("a deploy from another machine: %v", err)
			}
			t.Logf("another machine deploys in %.1f s", time.Since(began).Seconds())
			i.converges(t, next, answers[next])
			now, next = next, now
		})
	}
	t.Run("cancelled", func(t *testing.T) {
		i.target.silence = 8 * time.Second
		i.wire.set(point{call: number("POST /containers/create")})
		i.d.Release = next
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		i.wire.then = cancel
		began := time.Now()
		if _, err := i.target.Deploy(ctx, i.d); !errors.Is(err, context.Canceled) {
			t.Errorf("a deploy that is cancelled then returns %v", err)
		}
		t.Logf("it ends %.1f s after it began", time.Since(began).Seconds())
		i.converges(t, next, answers[next])
	})
}
