package kubernetes

import (
	"context"
	"fmt"
	"time"

	"github.com/twofoldhq/twofold/targets"
)

// Target is a namespace of a cluster. It keeps no state of its own: what is deployed
// is read from the cluster each time.
type Target struct {
	info     targets.Info
	settings settings
}

var _ targets.Target = (*Target)(nil)

func newTarget(target string, s settings) *Target {
	t := &Target{settings: s, info: infoOf(target)}
	if s.serverless {
		t.info = serverlessInfo(t.info)
	}
	t.info.Operations = targets.Operations{
		Logs: t.logs, Run: t.run, Exec: t.exec, Rollback: t.rollback, Secrets: t.secrets, Manifests: t.manifests, Address: t.clusterURL,
	}
	return t
}

// Info implements targets.Target.
func (t *Target) Info() targets.Info { return t.info }

func (t *Target) address() string { return t.info.Address() }

// with opens a session for an operation, and puts the target and the operation into
// its error.
func (t *Target) with(operation string, events func(targets.Event), f func(*session) error) error {
	s, err := t.open(events)
	if err == nil {
		err = f(s)
	}
	if err != nil {
		return fmt.Errorf("%s: %s: %w", t.address(), operation, err)
	}
	return nil
}

// say tells the caller what happens.
func say(events func(targets.Event), warning bool, format string, args ...any) {
	if events != nil {
		events(targets.Event{Message: fmt.Sprintf(format, args...), Warning: warning})
	}
}

// quick bounds what the cluster does at once, also for what must be done though the
// operation was cancelled.
const quick = 30 * time.Second

func lasting(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.WithoutCancel(ctx), quick)
}

// pause waits, and returns the context's error if it ends before.
func pause(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
