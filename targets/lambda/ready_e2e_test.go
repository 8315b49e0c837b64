//go:build e2e

package lambda

import (
	"slices"
	"strings"
	"testing"

	"github.com/twofoldhq/twofold/targets"
)

func TestInstancesAreReadyBeforeTheTrafficMoves(t *testing.T) {
	motoCloud.set(nil, healthyApp)
	target, d := quick(t, nil), deploymentOf(environmentOf(t, 1))
	d.Scale = targets.Scale{Min: 3, Max: 5}
	name := functionName(d.Key)
	deploy := func(d targets.Deployment, want string) {
		t.Helper()
		if _, err := target.Deploy(t.Context(), d); err != nil {
			t.Fatal(err)
		}
		if got := motoCloud.readyOf(name); got != want {
			t.Errorf("ready are %q, want %q", got, want)
		}
		if plan, err := target.Plan(t.Context(), d); err != nil || plan.Action != targets.ActionNone {
			t.Errorf("plan of what runs: %+v, %v", plan, err)
		}
	}
	deploy(d, "1=3")
	two := d
	two.Release = releases.Two
	motoCloud.set(nil, healthyApp)
	deploy(two, "2=3")
	order := func(part string) int {
		return slices.IndexFunc(motoCloud.made(), func(c call) bool { return strings.Contains(c.method+" "+c.target, part) })
	}
	room, put, listed, move, drop := order("PUT /2017-10-31/functions/"+name+"/concurrency"), order("provisioned-concurrency?Qualifier=2"), order("provisioned-concurrency?List"),
		order("PUT /2015-03-31/functions/"+name+"/aliases"), order("DELETE /2019-09-30/functions/"+name+"/provisioned-concurrency?Qualifier=1")
	if room < 0 || put < room || listed < 0 || move < put || drop < move {
		t.Errorf("room %d, put %d, listed %d, moved %d, dropped %d", room, put, listed, move, drop)
	}
	if _, err := target.rollback(t.Context(), targets.RollbackRequest{Key: d.Key}); err != nil {
		t.Fatal(err)
	}
	if got := motoCloud.readyOf(name); got != "1=3" {
		t.Errorf("after a rollback %q are ready", got)
	}
	if plan, err := target.Plan(t.Context(), d); err != nil || plan.Action != targets.ActionNone {
		t.Errorf("plan after a rollback: %+v, %v", plan, err)
	}
	failing := two
	failing.Scale = targets.Scale{Min: readyFails, Max: 900}
	if _, err := target.Deploy(t.Context(), failing); err == nil || !strings.Contains(err.Error(), "FUNCTION_ERROR_INIT_FAILURE: lower scale.min") {
		t.Errorf("instances that cannot be kept: %v", err)
	}
	if list, err := target.Status(t.Context(), targets.Filter(d.Key)); err != nil || len(list) != 1 || list[0].Release != d.Release.Digest {
		t.Errorf("the release that served does no more: %+v, %v", list, err)
	}
	d.Scale.Min = 0
	deploy(d, "")
	motoCloud.set(nil, healthyApp)
	if _, err := target.Deploy(t.Context(), d); err != nil || order("provisioned") >= 0 {
		t.Errorf("who keeps nothing ready is asked for it: %v", err)
	}
}
