//go:build e2e

package docker

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/twofoldhq/twofold/release"
	"github.com/twofoldhq/twofold/targets"
	"github.com/twofoldhq/twofold/targets/conformance"
)

// The load during which releases are replaced.
const (
	loadRate    = 200 // requests a second
	loadDeploys = 20
)

func startLoad(t *testing.T, url string, rate int) *conformance.Load {
	t.Helper()
	l := conformance.StartLoad(t.Context(), url, rate)
	t.Cleanup(l.Stop)
	return l
}

func awaitAnswer(t *testing.T, l *conformance.Load, answer string) {
	t.Helper()
	if err := l.Await(t.Context(), answer, 100); err != nil {
		t.Fatal(err)
	}
}

// checkLoad says what became of the requests: none may have failed.
func checkLoad(t *testing.T, l *conformance.Load, what string) {
	t.Helper()
	text, failed := l.Result()
	t.Logf("%s: %s", what, text)
	if failed > 0 {
		t.Errorf("%s: %d requests failed", what, failed)
	}
}

func TestTwentyDeploysInARowLoseNoRequest(t *testing.T) {
	for _, replicas := range []int{1, 2} {
		t.Run(fmt.Sprintf("%d instances", replicas), func(t *testing.T) {
			target := newTestTarget(t, nil)
			d := deploymentOf(releases.Two)
			d.Scale.Min = replicas
			st, err := target.Deploy(t.Context(), d)
			if err != nil {
				t.Fatal(err)
			}
			l := startLoad(t, st.URL+"/version", loadRate)
			awaitAnswer(t, l, "two")
			for n := range loadDeploys {
				answer := "one"
				d.Release = releases.One
				if n%2 == 1 {
					answer, d.Release = "two", releases.Two
				}
				if _, err := target.Deploy(t.Context(), d); err != nil {
					t.Fatal(err)
				}
				awaitAnswer(t, l, answer)
			}
			checkLoad(t, l, fmt.Sprintf("%d deploys", loadDeploys))
		})
	}
}

func TestDeploysThatFailLoseNoRequest(t *testing.T) {
	target := newTestTarget(t, nil)
	st, err := target.Deploy(t.Context(), deploymentOf(releases.One))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name    string
		release *release.Release
	}{{"a release that never gets healthy", releases.Broken}, {"a release that crashes", releases.Crashing}} {
		l := startLoad(t, st.URL+"/version", loadRate)
		awaitAnswer(t, l, "one")
		d := deploymentOf(c.release)
		d.Start = 3 * time.Second
		var unhealthy *targets.NotHealthyError
		if _, err := target.Deploy(t.Context(), d); !errors.As(err, &unhealthy) {
			t.Errorf("deploy of %s: %v", c.name, err)
		}
		awaitAnswer(t, l, "one")
		checkLoad(t, l, "deploy of "+c.name)
		if len(l.Answers()) != 1 {
			t.Errorf("deploy of %s: not all requests were answered by the release before", c.name)
		}
	}
}
