package docker

import (
	"context"
	"fmt"
	"time"

	"github.com/twofoldhq/twofold/build"
	"github.com/twofoldhq/twofold/release"
	"github.com/twofoldhq/twofold/targets"
	"github.com/twofoldhq/twofold/targets/engine"
)

// Target is one Docker Engine. It keeps no state of its own: what is deployed is
// read from the engine each time.
type Target struct {
	info     targets.Info
	settings settings
	// silence is the constant of that name, or a test's.
	silence time.Duration
}

var _ targets.Target = (*Target)(nil)

func newTarget(target string, s settings) *Target {
	t := &Target{settings: s, silence: silence, info: infoOf(target)}
	t.info.Check = func(w targets.Workload) []targets.Finding {
		return append(checkVolumes(w), s.checkQueues(target, w)...)
	}
	t.info.Operations = targets.Operations{Logs: t.logs, Run: t.run, Exec: t.exec, Rollback: t.rollback, Secrets: t.secrets}
	return t
}

// Info implements targets.Target.
func (t *Target) Info() targets.Info { return t.info }

func (t *Target) address() string { return t.info.Address() }

// session is the connection to the engine for one operation.
type session struct {
	*engine.Engine
	target *Target
}

func (t *Target) open(ctx context.Context) (*session, error) {
	if t.settings.host != "" {
		e, err := engine.Connect(ctx, t.settings.host, t.settings.certificates)
		if err != nil {
			return nil, err
		}
		return &session{Engine: e, target: t}, nil
	}
	e, err := engine.Find(ctx)
	if err != nil {
		return nil, fmt.Errorf("%w; or set host in the block target \"docker\" %q to where one answers", err, t.info.Name)
	}
	return &session{Engine: e, target: t}, nil
}

// with opens a session for an operation, and puts the target and the operation into
// its error. The operation's context also ends when the engine answers no more.
func (t *Target) with(ctx context.Context, operation string, f func(context.Context, *session) error) error {
	s, err := t.open(ctx)
	if err == nil {
		defer s.Close()
		watched, stop := s.watch(ctx)
		defer stop()
		err = s.roomHint(instead(watched, f(watched, s)))
	}
	if err != nil {
		return fmt.Errorf("%s: %s: %w", t.address(), operation, err)
	}
	return nil
}

func (s *session) platform() build.Platform { return build.Platform{OS: "linux", Arch: s.Arch} }

// image is the image of a release for the engine's machine.
func (s *session) image(r *release.Release) (release.Form, error) {
	if r == nil {
		return release.Form{}, fmt.Errorf("no release was given")
	}
	return r.Form(release.Image, s.platform())
}

// say tells the caller what happens.
func say(d targets.Deployment, warning bool, format string, args ...any) {
	if d.Events != nil {
		d.Events(targets.Event{Message: fmt.Sprintf(format, args...), Warning: warning})
	}
}
