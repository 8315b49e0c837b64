//go:build e2e

package lambda

import (
	"strings"
	"testing"

	"github.com/twofoldhq/twofold/targets"
)

func TestDeployPlanStatusDestroy(t *testing.T) {
	motoCloud.set(nil, healthyApp)
	target, d := quick(t, nil), deploymentOf(environmentOf(t, 1))
	plan, err := target.Plan(t.Context(), d)
	if err != nil || plan.Action != targets.ActionCreate || len(plan.Changes) == 0 {
		t.Fatalf("plan: %+v, %v", plan, err)
	}
	st, err := target.Deploy(t.Context(), d)
	if err != nil {
		t.Fatal(err)
	}
	if !st.Changed || st.URL == "" || st.Release != d.Release.Digest || st.State != targets.Running || st.Deployed.IsZero() {
		t.Errorf("status: %+v", st)
	}
	for _, c := range motoCloud.made() {
		t.Log(c)
	}
	motoCloud.set(nil, healthyApp)
	if plan, err := target.Plan(t.Context(), d); err != nil || plan.Action != targets.ActionNone || len(plan.Changes) > 0 {
		t.Errorf("plan of what runs: %+v, %v", plan, err)
	}
	again, err := target.Deploy(t.Context(), d)
	if err != nil || again.Changed {
		t.Errorf("deployed twice: %+v, %v", again, err)
	}
	for _, c := range motoCloud.made() {
		if c.method != "GET" && !strings.Contains(c.target, "Get") && !strings.Contains(c.target, "Describe") {
			t.Errorf("a deploy that changes nothing sends %s", c)
		}
	}
	two := d
	two.Release = releases.Two
	plan, err = target.Plan(t.Context(), two)
	if err != nil || plan.Action != targets.ActionUpdate {
		t.Errorf("plan of another release: %+v, %v", plan, err)
	}
	motoCloud.set(nil, healthyApp)
	st, err = target.Deploy(t.Context(), two)
	if err != nil || !st.Changed || st.Release != two.Release.Digest {
		t.Errorf("another release: %+v, %v", st, err)
	}
	checkAlias(t, d.Key)
	if list, err := target.Status(t.Context(), targets.Filter{Project: "shop"}); err != nil || len(list) != 1 {
		t.Errorf("status of the project: %+v, %v", list, err)
	}
	// The first release is back without a bundle being handed over.
	motoCloud.set(nil, healthyApp)
	if st, err = target.Deploy(t.Context(), d); err != nil || st.Release != d.Release.Digest {
		t.Errorf("the first release again: %+v, %v", st, err)
	}
	for _, c := range motoCloud.made() {
		if strings.HasSuffix(c.target, "/code") {
			t.Errorf("a release that has a version sends %s", c)
		}
	}
	if existed, err := target.Destroy(t.Context(), d.Key); err != nil || !existed {
		t.Errorf("destroy: %t, %v", existed, err)
	}
	if existed, err := target.Destroy(t.Context(), d.Key); err != nil || existed {
		t.Errorf("destroy again: %t, %v", existed, err)
	}
	if list, err := target.Status(t.Context(), targets.Filter(d.Key)); err != nil || len(list) != 0 {
		t.Errorf("status after destroy: %+v, %v", list, err)
	}
}
