package targets

import (
	"context"
	"fmt"
	"time"
)

// Rollout is how live traffic moves from one release to the next. The zero value
// moves all of it at once, when the new release has answered its health path.
type Rollout struct {
	// Steps are percentages of the traffic, each more than the one before, from 1
	// to 99. After the last one all of the traffic moves. A target that cannot
	// split traffic refuses steps.
	Steps []int
	// Wait is how long each step is watched before the next.
	Wait time.Duration
	// MaxErrors is the share of the new release's requests that may fail during a
	// step, in percent, where the target counts them. More than that, or an answer
	// of its health path that is not 2xx, takes the traffic back.
	MaxErrors float64
}

// RolledBackError is a rollout whose new release was worse: the release that ran
// before takes all of the traffic again.
type RolledBackError struct {
	// Step is the percentage that the new release had.
	Step int
	// Reason is a sentence: "12 of 80 requests failed (15%), and max_errors is 1%".
	Reason string
}

func (e *RolledBackError) Error() string {
	return fmt.Sprintf("the traffic went back to the release before, at %d%%: %s", e.Step, e.Reason)
}

// RollbackRequest asks for a release that was deployed before.
type RollbackRequest struct {
	Key
	// Release is the digest, or enough of its beginning, of the release to go back
	// to; "" is the one that ran before the one that runs now.
	Release string
	// Events receives what happens; nil is allowed.
	Events func(Event)
}

// Rollback makes a deployment run an earlier release again, with the settings that
// it had, or returns ErrUnsupported. Nothing is built. Going back to what runs
// already changes nothing.
func Rollback(ctx context.Context, t Target, r RollbackRequest) (Status, error) {
	if op := t.Info().Operations.Rollback; op != nil {
		return op(ctx, r)
	}
	return Status{}, fmt.Errorf("%s: rollback: %w", t.Info().Address(), ErrUnsupported)
}

// Earlier is a release that Rollback can go back to.
type Earlier struct {
	// Release is its digest.
	Release string `json:"release"`
	// Name is what the target calls it, such as "version 12".
	Name     string    `json:"name,omitempty"`
	Deployed time.Time `json:"deployed,omitzero"`
}

// Share is the part of the live traffic that one release takes.
type Share struct {
	Release string `json:"release"`
	// Name is what the target calls it, such as "version 12".
	Name string `json:"name,omitempty"`
	// Percent of the requests.
	Percent float64 `json:"percent"`
}

// Metrics is how a deployment did during the last day, as its target measured it.
type Metrics struct {
	// Requests are the invocations or requests, Errors those of them that failed.
	Requests int64 `json:"requests"`
	Errors   int64 `json:"errors"`
	// Throttled are those that the target did not let in.
	Throttled int64 `json:"throttled,omitempty"`
	// P50 and P95 are durations in milliseconds; 0 is not known.
	P50 float64 `json:"p50,omitempty"`
	P95 float64 `json:"p95,omitempty"`
	// Cost is what the requests cost in US dollars by the list price, without free
	// tiers and discounts; CostNote says what it counts. 0 is not known.
	Cost     float64 `json:"cost,omitempty"`
	CostNote string  `json:"costNote,omitempty"`
	// LastErrors are the newest failures, the newest first.
	LastErrors []Failure `json:"lastErrors,omitempty"`
}

// Failure is one that the target recorded.
type Failure struct {
	Time    time.Time `json:"time"`
	Message string    `json:"message"`
}

// Sample is an event as the target's platform would hand it over.
type Sample struct {
	// Name is "http", "queue:orders", "object:uploads", "schedule:nightly".
	Name string
	// Event is JSON.
	Event []byte
}
