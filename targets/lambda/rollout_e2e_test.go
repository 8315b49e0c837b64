//go:build e2e

package lambda

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twofoldhq/twofold/targets"
)

// inSteps is a deployment of the second release that gets its traffic in steps.
func inSteps(environment string) targets.Deployment {
	d := deploymentOf(environment)
	d.Release = releases.Two
	d.Rollout = targets.Rollout{Steps: []int{10, 50}, Wait: time.Millisecond, MaxErrors: 1}
	return d
}

// twoReleases has the first release deployed, and returns the second.
func twoReleases(t *testing.T, n int) targets.Deployment {
	t.Helper()
	motoCloud.set(nil, healthyApp)
	d := inSteps(environmentOf(t, n))
	one := d
	one.Release = releases.One
	if _, err := quick(t, nil).Deploy(t.Context(), one); err != nil {
		t.Fatal(err)
	}
	return d
}

// moves are what the calls made of the alias, in words.
func moves(t *testing.T) []string {
	t.Helper()
	var list []string
	for _, c := range motoCloud.made() {
		if c.method != http.MethodPut || !strings.HasSuffix(c.target, "/aliases/live") {
			continue
		}
		var in struct {
			FunctionVersion string
			RoutingConfig   struct{ AdditionalVersionWeights map[string]float64 }
			RevisionId      string
			Description     *string
		}
		if err := json.Unmarshal(c.body, &in); err != nil {
			t.Fatal(err)
		}
		if in.RevisionId == "" {
			t.Errorf("the alias is moved without a RevisionId: %s", c.body)
		}
		if len(in.RoutingConfig.AdditionalVersionWeights) > 0 && in.Description != nil {
			t.Errorf("a step changes what the alias says of the versions that have served: %s", c.body)
		}
		text := in.FunctionVersion
		for version, weight := range in.RoutingConfig.AdditionalVersionWeights {
			text += fmt.Sprintf(" %s:%g", version, weight)
		}
		list = append(list, text)
	}
	return list
}

func sameMoves(t *testing.T, want ...string) {
	t.Helper()
	if got := moves(t); strings.Join(got, ", ") != strings.Join(want, ", ") {
		t.Errorf("the alias went %q, want %q", got, want)
	}
}

// aliasIs asks moto itself, and returns every version that the alias points to.
func aliasIs(t *testing.T, k targets.Key) (live string, weights map[string]float64) {
	t.Helper()
	return motoCloud.alias(t, k)
}

func TestANewVersionGetsItsTrafficInSteps(t *testing.T) {
	d := twoReleases(t, 1)
	motoCloud.watch.count(d.Key, "2", 1000, 10)
	motoCloud.set(nil, healthyApp)
	st, err := quick(t, nil).Deploy(t.Context(), d)
	if err != nil || st.Release != d.Release.Digest || len(st.Traffic) != 0 {
		t.Fatalf("deploy: %+v, %v", st, err)
	}
	sameMoves(t, "1 2:0.1", "1 2:0.5", "2")
	motoCloud.set(nil, healthyApp)
	if st, err := quick(t, nil).Deploy(t.Context(), d); err != nil || st.Changed {
		t.Errorf("deploy of what runs: %+v, %v", st, err)
	}
	sameMoves(t)
	converges(t, d)
	motoCloud.set(nil, healthyApp)
	if _, err := quick(t, nil).Deploy(t.Context(), d); err != nil {
		t.Error(err)
	}
	sameMoves(t)
	converges(t, d)
}

func TestAVersionThatIsWorseLosesItsTraffic(t *testing.T) {
	for n, test := range []struct {
		name   string
		failed float64
		run    func(t *testing.T, d targets.Deployment) func(string, string, []byte) ([]byte, bool)
		step   int
		reason string
	}{
		{name: "errors", failed: 12, step: 10, reason: "12 of 80 requests failed (15%), and max_errors is 1%",
			run: func(*testing.T, targets.Deployment) func(string, string, []byte) ([]byte, bool) { return healthyApp }},
		{name: "health", step: 50, reason: "answered 500",
			run: func(t *testing.T, d targets.Deployment) func(string, string, []byte) ([]byte, bool) {
				return func(_, version string, _ []byte) ([]byte, bool) {
					if _, weights := aliasIs(t, d.Key); weights["2"] > 0.1 {
						return []byte(`{"statusCode":500}`), false
					}
					return []byte(`{"statusCode":200}`), false
				}
			}},
		{name: "exit", step: 10, reason: "the app exited",
			run: func(t *testing.T, d targets.Deployment) func(string, string, []byte) ([]byte, bool) {
				return func(_, version string, _ []byte) ([]byte, bool) {
					if _, weights := aliasIs(t, d.Key); weights["2"] > 0 {
						return []byte(`{"errorMessage":"the app exited","errorType":"App.Exited"}`), true
					}
					return []byte(`{"statusCode":200}`), false
				}
			}},
	} {
		t.Run(test.name, func(t *testing.T) {
			d := twoReleases(t, n)
			if test.failed > 0 {
				motoCloud.watch.count(d.Key, "2", 80, test.failed)
			}
			motoCloud.set(nil, test.run(t, d))
			var events []string
			d.Events = func(e targets.Event) { events = append(events, e.Message) }
			_, err := quick(t, nil).Deploy(t.Context(), d)
			var worse *targets.RolledBackError
			if !errors.As(err, &worse) || worse.Step != test.step || !strings.Contains(worse.Reason, test.reason) {
				t.Errorf("deploy: %v", err)
			}
			if live, weights := aliasIs(t, d.Key); live != "1" || len(weights) != 0 {
				t.Errorf("the alias points to %s, %v", live, weights)
			}
			moves(t)
			if text := strings.Join(events, "\n"); !strings.Contains(text, "version 1 takes all of the traffic again") {
				t.Errorf("events:\n%s", text)
			}
			d.Rollout = targets.Rollout{}
			converges(t, d)
		})
	}
}

func TestAnErrorOfTheMetricsIsToldBeforeAVersionGetsTraffic(t *testing.T) {
	d := twoReleases(t, 1)
	motoCloud.set(func(c call) verdict {
		if c.service == "monitoring" {
			return verdict{answer: awsError(http.StatusForbidden, "AccessDeniedException", "User: arn:aws:iam::123456789012:user/x is not authorized to perform: cloudwatch:GetMetricData because no policy allows it")}
		}
		return verdict{}
	}, healthyApp)
	if _, err := quick(t, nil).Deploy(t.Context(), d); err == nil || !strings.Contains(err.Error(), "read the metrics of function") {
		t.Errorf("deploy: %v", err)
	}
	sameMoves(t)
	converges(t, d)
}

// TestAStepIsWatchedUntilItEnds has a version that answers for a while.
func TestAStepIsWatchedUntilItEnds(t *testing.T) {
	d := twoReleases(t, 1)
	d.Rollout.Steps, d.Rollout.Wait = []int{10}, time.Hour
	asked := 0
	motoCloud.set(nil, func(string, string, []byte) ([]byte, bool) {
		if asked++; asked > 4 { // the first is before it has traffic
			return []byte(`{"statusCode":500}`), false
		}
		return []byte(`{"statusCode":200}`), false
	})
	target := quick(t, nil)
	target.pace.look = time.Millisecond
	var worse *targets.RolledBackError
	if _, err := target.Deploy(t.Context(), d); !errors.As(err, &worse) || asked != 5 {
		t.Errorf("deploy: %v after %d looks", err, asked)
	}
	sameMoves(t, "1 2:0.1", "1")
	d.Rollout.Wait = time.Millisecond
	converges(t, d)
}

// TestAMoveThatFailsGivesTheTrafficBack lets a later move of the alias fail.
func TestAMoveThatFailsGivesTheTrafficBack(t *testing.T) {
	for n, test := range []struct {
		name string
		// move is what a body of the call that fails has.
		move   string
		answer func(http.ResponseWriter)
		taken  bool
		moves  []string
	}{
		{"the last", `"FunctionVersion":"2"`, awsError(http.StatusForbidden, "AccessDeniedException", "no"), false, []string{"1 2:0.1", "1 2:0.5", "2", "1"}},
		{"the second", `"2":0.5`, awsError(http.StatusForbidden, "AccessDeniedException", "no"), false, []string{"1 2:0.1", "1 2:0.5", "1"}},
		{"changed in between", `"2":0.5`, awsError(http.StatusPreconditionFailed, "PreconditionFailedException", "The Revision Id provided does not match the latest Revision Id."), true, []string{"1 2:0.1", "1 2:0.5", "1"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			d := twoReleases(t, n)
			motoCloud.set(func(c call) verdict {
				if c.method == http.MethodPut && strings.HasSuffix(c.target, "/aliases/live") && bytes.Contains(c.body, []byte(test.move)) {
					return verdict{answer: test.answer}
				}
				return verdict{}
			}, healthyApp)
			_, err := quick(t, nil).Deploy(t.Context(), d)
			if err == nil || errors.Is(err, errTaken) != test.taken {
				t.Errorf("deploy: %v", err)
			}
			sameMoves(t, test.moves...)
			if live, weights := aliasIs(t, d.Key); live != "1" || len(weights) != 0 {
				t.Errorf("the alias points to %s, %v", live, weights)
			}
			converges(t, d)
		})
	}
}

// TestInstancesThatAreAllBusyAreNoReasonToGoBack has the bound of instances reached while
// the new version is watched.
func TestInstancesThatAreAllBusyAreNoReasonToGoBack(t *testing.T) {
	d := twoReleases(t, 1)
	var split atomic.Bool
	refused := 0
	motoCloud.set(func(c call) verdict {
		if c.method == http.MethodPut && strings.HasSuffix(c.target, "/aliases/live") {
			split.Store(true)
		}
		if split.Load() && strings.Contains(c.target, "/invocations") {
			refused++
			return verdict{answer: awsError(http.StatusTooManyRequests, "TooManyRequestsException", "Rate Exceeded.")}
		}
		return verdict{}
	}, healthyApp)
	if _, err := quick(t, nil).Deploy(t.Context(), d); err != nil || refused == 0 {
		t.Errorf("deploy: %v after %d refusals", err, refused)
	}
	sameMoves(t, "1 2:0.1", "1 2:0.5", "2")
	converges(t, d)
}

// TestARolloutThatIsCancelledGivesTheTrafficBack cancels while the new version has half
// of it: what is still to do is done all the same.
func TestARolloutThatIsCancelledGivesTheTrafficBack(t *testing.T) {
	d := twoReleases(t, 1)
	d.Rollout.Wait = time.Hour
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	motoCloud.set(func(c call) verdict {
		if c.method == http.MethodPut && bytes.Contains(c.body, []byte(`0.1`)) {
			return verdict{edit: func(_ *http.Response, body []byte) []byte { cancel(); return body }}
		}
		return verdict{}
	}, healthyApp)
	if _, err := quick(t, nil).Deploy(ctx, d); !errors.Is(err, context.Canceled) {
		t.Errorf("deploy: %v", err)
	}
	if live, weights := aliasIs(t, d.Key); live != "1" || len(weights) != 0 {
		t.Errorf("the alias points to %s, %v", live, weights)
	}
	d.Rollout.Wait = time.Millisecond
	converges(t, d)
}

// TestARolloutThatSomebodyElseEndsLeavesHisTraffic moves the alias by hand in between.
func TestARolloutThatSomebodyElseEndsLeavesHisTraffic(t *testing.T) {
	d := twoReleases(t, 1)
	var once sync.Once
	motoCloud.set(func(c call) verdict {
		if c.method != http.MethodPut || !bytes.Contains(c.body, []byte(`0.5`)) {
			return verdict{}
		}
		once.Do(func() {
			resp := askMoto(t, http.MethodPut, c.target, `{"FunctionVersion":"2","RoutingConfig":{"AdditionalVersionWeights":{}}}`)
			resp.Body.Close()
		})
		return verdict{answer: awsError(http.StatusPreconditionFailed, "PreconditionFailedException", "The Revision Id provided does not match the latest Revision Id.")}
	}, healthyApp)
	if _, err := quick(t, nil).Deploy(t.Context(), d); !errors.Is(err, errTaken) {
		t.Errorf("deploy: %v", err)
	}
	if live, weights := aliasIs(t, d.Key); live != "2" || len(weights) != 0 {
		t.Errorf("the alias points to %s, %v", live, weights)
	}
	converges(t, d)
}

// TestKilledInARolloutTheTrafficIsShown kills a rollout after each move of the alias, and
// lets the next deploy, of either release, end it.
func TestKilledInARolloutTheTrafficIsShown(t *testing.T) {
	for n, to := range []struct{ weight, share string }{{"0.1", "10"}, {"0.5", "50"}} {
		for _, again := range []bool{true, false} {
			t.Run(fmt.Sprintf("%s%%, the same release %t", to.share, again), func(t *testing.T) {
				d := twoReleases(t, 2*n)
				ctx, kill := context.WithCancel(t.Context())
				defer kill()
				var killed atomic.Bool
				motoCloud.set(func(c call) verdict {
					if killed.Load() {
						return verdict{before: true}
					}
					if c.method != http.MethodPut || !bytes.Contains(c.body, []byte(":"+to.weight)) {
						return verdict{}
					}
					return verdict{edit: func(*http.Response, []byte) []byte {
						killed.Store(true)
						kill()
						panic(http.ErrAbortHandler)
					}}
				}, healthyApp)
				if err := deployIt(ctx, quick(t, nil), d); err == nil {
					t.Error("a deploy that was killed returns no error")
				}
				checkAlias(t, d.Key)
				motoCloud.set(nil, healthyApp)
				list, err := quick(t, nil).Status(t.Context(), targets.Filter(d.Key))
				if err != nil || len(list) != 1 {
					t.Fatalf("status: %+v, %v", list, err)
				}
				shares := list[0].Traffic
				if len(shares) != 2 || shares[0].Percent+shares[1].Percent != 100 || fmt.Sprint(shares[1].Percent) != to.share || shares[1].Release != d.Release.Digest || shares[0].Release != releases.One.Digest {
					t.Errorf("traffic of a split: %+v", shares)
				}
				if !again {
					d.Release = releases.One
					motoCloud.set(nil, healthyApp)
					if _, err := quick(t, nil).Deploy(t.Context(), d); err != nil {
						t.Error(err)
					}
					sameMoves(t, "1") // it serves already: there is nothing to be careful about
				}
				converges(t, d)
			})
		}
	}
}
