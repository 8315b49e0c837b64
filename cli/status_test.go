package cli

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/twofoldhq/twofold/targets"
)

func TestStatusSaysWhatTheTableHasNoRoomFor(t *testing.T) {
	s := measured{
		Status: targets.Status{
			Detail: "it is not as it was deployed",
			Traffic: []targets.Share{
				{Release: "sha256:1111111111111111", Name: "version 3", Percent: 90},
				{Release: "sha256:2222222222222222", Name: "version 4", Percent: 10},
			},
		},
		Metrics: &targets.Metrics{
			Requests: 2000, Errors: 5, Throttled: 1, P50: 12.34, P95: 1250, Cost: 0.0123, CostNote: "list price",
			LastErrors: []targets.Failure{{Time: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), Message: "the app ended"}},
		},
	}
	want := []string{
		"it is not as it was deployed",
		"90% of the traffic to " + short("sha256:1111111111111111") + " version 3",
		"10% of the traffic to " + short("sha256:2222222222222222") + " version 4",
		"last day: 2000 requests, 5 failed (0.2%), 1 not let in, p50 12.3ms, p95 1.25s, about $0.0123 (list price)",
		"failed at 2026-01-02 03:04:05 UTC: the app ended",
	}
	if diff := cmp.Diff(want, details(s)); diff != "" {
		t.Error(diff)
	}
	if got := details(measured{Metrics: &targets.Metrics{}}); got != nil {
		t.Errorf("of a deployment without requests: %q", got)
	}
}
