package conformance

import (
	"context"
	"fmt"
	"strings"

	"github.com/twofoldhq/twofold/targets"
)

// rollback runs what an earlier deploy asked for again.
func (f *fake) rollback(_ context.Context, r targets.RollbackRequest) (targets.Status, error) {
	f.turn.Lock()
	defer f.turn.Unlock()
	f.mu.Lock()
	now, exists := f.deployments[r.Key]
	f.mu.Unlock()
	if !exists {
		return targets.Status{}, fmt.Errorf("it is not deployed")
	}
	if r.Release != "" && strings.HasPrefix(now.asked.Release.Digest, r.Release) {
		st := now.status
		st.Changed = f.faults.alwaysRollsBack
		return st, nil
	}
	for i := len(now.before) - 1; i >= 0; i-- {
		if f.faults.rollsBackToAny || strings.HasPrefix(now.before[i].Release.Digest, r.Release) {
			return f.run(now.before[i], now), nil
		}
	}
	if f.faults.rollsBackToAny {
		return now.status, nil
	}
	return targets.Status{}, fmt.Errorf("there is no such release")
}

func (f *fake) earlier(before []targets.Deployment) []targets.Earlier {
	var list []targets.Earlier
	for _, d := range before {
		if !f.faults.forgetsEarlier {
			list = append(list, targets.Earlier{Release: d.Release.Digest})
		}
	}
	return list
}
