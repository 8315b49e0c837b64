package host

import (
	"context"
	"fmt"
	"time"

	"github.com/twofoldhq/twofold/targets"
	"github.com/twofoldhq/twofold/targets/schedule"
)

// setSchedules makes the deployment fire these schedules from now on. The mutex
// is held, so no run begins between the switch of a workload and this. The log is
// open.
func (d *deployment) setSchedules(list []targets.Schedule) {
	if d.schedules == nil {
		if len(list) == 0 {
			return
		}
		log := d.log // the runner must not wait for the deployment's mutex
		d.schedules = schedule.New(schedule.Config{
			Clock: d.s.clock, Fire: d.fire,
			Log: func(line string) { fmt.Fprintf(log, "twofold: %s\n", line) },
		})
	}
	d.schedules.Set(list)
}

// runLimit bounds a run of a service that sets no timeout.
const runLimit = time.Hour

// fire posts to what serves, as one request of which a switch waits for the end.
func (d *deployment) fire(ctx context.Context, s targets.Schedule, at time.Time) error {
	d.mu.Lock()
	g, r, problem := d.gateway, d.record, d.problem
	d.mu.Unlock()
	if g == nil || r == nil {
		return fmt.Errorf("the deployment does not run: %s", problem)
	}
	limit := runLimit
	if r.Spec.Timeout > 0 {
		limit = r.Spec.Timeout + time.Second // the workload's own limit says more
	}
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	serving := g.Enter()
	defer g.Leave(serving)
	return serving.Handler.fire(ctx, s, at)
}

func (c *containers) fire(ctx context.Context, s targets.Schedule, at time.Time) error {
	return schedule.Post(ctx, c.Group, s, at)
}

func (f *functions) fire(ctx context.Context, s targets.Schedule, at time.Time) error {
	input, err := schedule.Input(s, at)
	if err != nil {
		return err
	}
	result, err := f.invoke(ctx, input)
	switch {
	case err != nil:
		return err
	case result.Error != nil:
		return schedule.Failed(s, result.Error)
	}
	return nil
}
