//go:build e2e

package lambda

import (
	"context"
	"fmt"
	"net/http"
	"testing"

	"github.com/twofoldhq/twofold/targets"
)

// scenario is an operation that is interrupted at each of its calls.
type scenario struct {
	name string
	// before is deployed undisturbed, and then run is interrupted.
	before *targets.Deployment
	run    func(ctx context.Context, t *Target, d targets.Deployment) error
	deploy func(environment string) targets.Deployment
}

func deployIt(ctx context.Context, t *Target, d targets.Deployment) error {
	_, err := t.Deploy(ctx, d)
	return err
}

func scenarios() []scenario {
	one := func(environment string) targets.Deployment { return deploymentOf(environment) }
	first := deploymentOf("")
	return []scenario{
		{name: "first", run: deployIt, deploy: one},
		{name: "release", run: deployIt, before: &first, deploy: func(environment string) targets.Deployment {
			d := deploymentOf(environment)
			d.Release = releases.Two
			return d
		}},
		{name: "settings", run: deployIt, before: &first, deploy: func(environment string) targets.Deployment {
			d := deploymentOf(environment)
			d.Env = map[string]string{"LOG_LEVEL": "debug"}
			d.Memory, d.Scale.Max, d.TriggersOnly = 512<<20, 0, true
			return d
		}},
		{name: "destroy", before: &first, deploy: one, run: func(ctx context.Context, t *Target, d targets.Deployment) error {
			_, err := t.Destroy(ctx, d.Key)
			return err
		}},
	}
}

// prepared has what a scenario needs, and nothing disturbs it.
func (s scenario) prepared(t *testing.T, environment string) targets.Deployment {
	t.Helper()
	motoCloud.set(nil, healthyApp)
	d := s.deploy(environment)
	if s.before != nil {
		before := *s.before
		before.Key = d.Key
		if _, err := quick(t, nil).Deploy(t.Context(), before); err != nil {
			t.Fatal(err)
		}
	}
	return d
}

// converges deploys once more, and checks that all is as it should be then.
func converges(t *testing.T, d targets.Deployment) {
	t.Helper()
	motoCloud.set(nil, healthyApp)
	target := quick(t, nil)
	st, err := target.Deploy(t.Context(), d)
	if err != nil {
		t.Fatalf("the next deploy: %v", err)
	}
	if st.State != targets.Running || st.Release != d.Release.Digest {
		t.Errorf("the next deploy comes to %+v", st)
	}
	checkAlias(t, d.Key)
	if p, err := target.Plan(t.Context(), d); err != nil || p.Action != targets.ActionNone {
		t.Errorf("plan after the next deploy: %+v, %v", p, err)
	}
	if _, err := target.Destroy(t.Context(), d.Key); err != nil {
		t.Errorf("destroy: %v", err)
	}
	if p, err := target.Plan(t.Context(), d); err != nil || p.Action != targets.ActionCreate {
		t.Errorf("plan after destroy: %+v, %v", p, err)
	}
}

// TestKilledAtAnyCallTheNextDeployConverges kills an operation at each of its calls,
// before and after the call took effect: from then on nothing of it reaches AWS.
func TestKilledAtAnyCallTheNextDeployConverges(t *testing.T) {
	points := 0
	for _, s := range scenarios() {
		t.Run(s.name, func(t *testing.T) {
			d := s.prepared(t, environmentOf(t, 0))
			motoCloud.set(nil, healthyApp)
			if err := s.run(t.Context(), quick(t, nil), d); err != nil {
				t.Fatal(err)
			}
			calls := motoCloud.made()
			converges(t, d)
			for n := range calls {
				for _, after := range []bool{false, true} {
					points++
					t.Run(fmt.Sprintf("call %d, after %t, %s", n+1, after, calls[n].service), func(t *testing.T) {
						d := s.prepared(t, fmt.Sprintf("%s-%d-%t", s.name, n+1, after))
						ctx, kill := context.WithCancel(t.Context())
						defer kill()
						motoCloud.set(func(c call) verdict {
							if c.n == n+1 {
								kill()
							}
							return verdict{before: c.n > n+1 || c.n == n+1 && !after, after: c.n == n+1 && after}
						}, healthyApp)
						if err := s.run(ctx, quick(t, nil), d); err == nil {
							t.Error("an operation that was killed returns no error")
						}
						checkAlias(t, d.Key)
						converges(t, d)
					})
				}
			}
		})
	}
	t.Logf("%d interruption points", points)
}

// TestOneCallThatFailsIsRepeated lets each call fail once, in one of four ways by
// turns: one deploy is enough.
func TestOneCallThatFailsIsRepeated(t *testing.T) {
	faults := []struct {
		name string
		verdict
	}{
		{"lost before", verdict{before: true}},
		{"lost after", verdict{after: true}},
		{"throttled", verdict{answer: awsError(http.StatusTooManyRequests, "ThrottlingException", "Rate exceeded")}},
		{"server error", verdict{answer: awsError(http.StatusInternalServerError, "ServiceException", "it is our fault")}},
	}
	points := 0
	for _, s := range scenarios() {
		t.Run(s.name, func(t *testing.T) {
			d := s.prepared(t, environmentOf(t, 0))
			motoCloud.set(nil, healthyApp)
			if err := s.run(t.Context(), quick(t, nil), d); err != nil {
				t.Fatal(err)
			}
			calls := motoCloud.made()
			converges(t, d)
			for n := range calls {
				fault := faults[n%len(faults)]
				points++
				t.Run(fmt.Sprintf("call %d, %s", n+1, fault.name), func(t *testing.T) {
					d := s.prepared(t, fmt.Sprintf("%s-%d", s.name, n+1))
					motoCloud.set(func(c call) verdict {
						if c.n == n+1 {
							return fault.verdict
						}
						return verdict{}
					}, healthyApp)
					if err := s.run(t.Context(), quick(t, nil), d); err != nil {
						t.Errorf("%s: %v", calls[n], err)
					}
					checkAlias(t, d.Key)
					converges(t, d)
				})
			}
		})
	}
	t.Logf("%d calls that failed", points)
}
