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
		}
		if err := json.Unmarshal(c.body, &in); err != nil {
			t.Fatal(err)
		}
		if in.RevisionId == "" {
			t.Errorf("the alias is moved without a RevisionId: %s", c.body)
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
	resp := askMoto(t, http.MethodGet, "/2015-03-31/functions/"+functionName(k)+"/aliases/"+aliasName, "")
	defer resp.Body.Close()
	var a struct {
		FunctionVersion string
		RoutingConfig   *struct{ AdditionalVersionWeights map[string]float64 }
	}
	if err := json.NewDecoder(resp.Body).Decode(&a); err != nil {
		t.Fatal(err)
	}
	if a.RoutingConfig != nil {
		weights = a.RoutingConfig.AdditionalVersionWeights
	}
	return a.FunctionVersion, weights
}

// checkTraffic checks that each version with traffic has answered its health check.
func checkTraffic(t *testing.T, k targets.Key) {
	t.Helper()
	checkAlias(t, k)
	_, weights := aliasIs(t, k)
	motoCloud.mu.Lock()
	defer motoCloud.mu.Unlock()
	for version := range weights {
		if !motoCloud.healthy[functionName(k)+":"+version] {
			t.Errorf("version %s has traffic, and has not answered its health check", version)
		}
	}
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

// killedAt kills at a call: before it reaches AWS, or when it has taken effect there.
// From then on nothing reaches AWS.
func killedAt(n int, after bool, kill func()) func(call) verdict {
	return func(c call) verdict {
		switch {
		case c.n < n:
			return verdict{}
		case c.n == n && after:
			return verdict{edit: func(*http.Response, []byte) []byte {
				kill()
				panic(http.ErrAbortHandler)
			}}
		}
		kill()
		return verdict{before: true}
	}
}

// TestKilledInARolloutTheNextDeployConverges kills a rollout at each of its calls, before
// and after the call took effect.
func TestKilledInARolloutTheNextDeployConverges(t *testing.T) {
	d := twoReleases(t, 0)
	motoCloud.set(nil, healthyApp)
	if err := deployIt(t.Context(), quick(t, nil), d); err != nil {
		t.Fatal(err)
	}
	calls := motoCloud.made()
	converges(t, d)
	splits := 0
	for n := range calls {
		for i, after := range []bool{false, true} {
			t.Run(fmt.Sprintf("call %d, after %t, %s", n+1, after, calls[n].service), func(t *testing.T) {
				d := twoReleases(t, 2*n+i)
				ctx, kill := context.WithCancel(t.Context())
				defer kill()
				motoCloud.set(killedAt(n+1, after, kill), healthyApp)
				if err := deployIt(ctx, quick(t, nil), d); err == nil {
					t.Error("a deploy that was killed returns no error")
				}
				checkTraffic(t, d.Key)
				motoCloud.set(nil, healthyApp)
				list, err := quick(t, nil).Status(t.Context(), targets.Filter(d.Key))
				if err != nil || len(list) != 1 {
					t.Fatalf("status: %+v, %v", list, err)
				}
				if _, weights := aliasIs(t, d.Key); len(weights) > 0 {
					splits++
					if len(list[0].Traffic) != 2 || list[0].Traffic[0].Percent+list[0].Traffic[1].Percent != 100 || list[0].Traffic[1].Release != d.Release.Digest {
						t.Errorf("traffic of a split: %+v", list[0].Traffic)
					}
					if n%2 == 0 { // Another release ends it as well.
						d.Release = releases.One
					}
				}
				converges(t, d)
			})
		}
	}
	if splits == 0 {
		t.Error("no kill left the traffic split")
	}
	t.Logf("%d calls, %d kills that left the traffic split", len(calls), splits)
}
