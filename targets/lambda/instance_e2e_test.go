//go:build e2e

package lambda

import (
	"strings"
	"testing"

	"github.com/twofoldhq/twofold/manifest/schema"
	"github.com/twofoldhq/twofold/targets"
)

// TestWhatATargetBlockSaysOfInstances sets everything, sees that it stays, and takes it
// back.
func TestWhatATargetBlockSaysOfInstances(t *testing.T) {
	motoCloud.set(nil, healthyApp)
	d := deploymentOf(environmentOf(t, 1))
	plain := quick(t, nil)
	full := quick(t, schema.Values{"tmp": "2Gi", "log_format": "json", "tracing": "xray"})
	for _, c := range []struct {
		name   string
		target *Target
		want   string
	}{
		{"new", full, "2048 true true"}, {"taken back", plain, "512 false false"}, {"set again", full, "2048 true true"},
		{"of OpenTelemetry", quick(t, schema.Values{"tracing": "opentelemetry"}), "512 false false"},
	} {
		st, err := c.target.Deploy(t.Context(), d)
		if err != nil || !st.Changed {
			t.Fatalf("%s: %+v, %v", c.name, st, err)
		}
		s, err := c.target.open(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		o, err := s.observe(t.Context(), d.Key)
		if err != nil {
			t.Fatal(err)
		}
		if got := instanceText(o.live.config); got != c.want {
			t.Errorf("%s: the version has %s, want %s", c.name, got, c.want)
		}
		if plan, err := c.target.Plan(t.Context(), d); err != nil || plan.Action != targets.ActionNone {
			t.Errorf("%s: plan of what runs: %+v, %v", c.name, plan, err)
		}
		role, err := s.observeRole(t.Context(), roleName(functionName(d.Key), s.region))
		if err != nil || strings.Contains(role.policy, "xray:") != (c.target == full) {
			t.Errorf("%s: the role may %s, %v", c.name, role.policy, err)
		}
	}
	plan, err := full.Plan(t.Context(), d)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, change := range plan.Changes {
		names = append(names, change.Name)
	}
	if got, want := strings.Join(names, " "), "env.OTEL_RESOURCE_ATTRIBUTES env.OTEL_SERVICE_NAME env.TWOFOLD_TRACEPARENT log_format role.policy tmp tracing"; got != want {
		t.Errorf("a plan names %q, want %q", got, want)
	}
}
