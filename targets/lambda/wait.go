package lambda

import (
	"context"
	"fmt"
	"time"
)

// until asks again until the answer is yes, for as long as the target is patient.
func (t *Target) until(ctx context.Context, what string, done func() (bool, error)) error {
	end := time.Now().Add(t.pace.patience)
	for delay := t.pace.first; ; delay = min(2*delay, t.pace.most) {
		ok, err := done()
		if ok || err != nil {
			return err
		}
		if time.Now().After(end) {
			return fmt.Errorf("waited %s for %s: run the command again to go on waiting", t.pace.patience, what)
		}
		if err := pause(ctx, delay); err != nil {
			return err
		}
	}
}

// persist tries again what failed only because something is not as it was when it was
// looked at. Each try looks again.
func (t *Target) persist(ctx context.Context, try func() error) error {
	end := time.Now().Add(t.pace.patience)
	for delay := t.pace.first; ; delay = min(2*delay, t.pace.most) {
		err := try()
		if err == nil || !moved(err) || time.Now().After(end) {
			return err
		}
		if stopped := pause(ctx, delay); stopped != nil {
			return stopped
		}
	}
}

func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
