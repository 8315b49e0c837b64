package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/twofoldhq/twofold/manifest"
	"github.com/twofoldhq/twofold/targets"
)

// hookNames returns the hooks of a service in the order in which they run.
func hookNames(s *manifest.Service) []string {
	var names []string
	for _, after := range []bool{false, true} {
		for _, h := range s.Hooks {
			if h.After == after {
				names = append(names, fmt.Sprintf("%s (%s the deploy)", h.Name, map[bool]string{false: "before", true: "after"}[after]))
			}
		}
	}
	return names
}

// hooks runs the hooks of a service that come before, or after, it is deployed,
// one after the other. The deploy ends where one fails; what runs goes on running.
func (w *work) hooks(ctx context.Context, i intent, after bool, url string) error {
	for _, h := range i.service.Hooks {
		if h.After != after {
			continue
		}
		if err := w.hook(ctx, i, h, url); err != nil {
			return fmt.Errorf("hook %q of service %q: %w", h.Name, i.service.Name, err)
		}
	}
	return nil
}

func (w *work) hook(ctx context.Context, i intent, h *manifest.Hook, url string) error {
	t := w.terminal
	t.progress.begin(i.service.Name + " hook " + h.Name)
	started := time.Now()
	limited, cancel := context.WithTimeoutCause(ctx, h.Timeout, errHookTimeout)
	defer cancel()
	var err error
	if h.OnMachine {
		err = w.runOnMachine(limited, i, h, url)
	} else {
		err = w.runInRelease(limited, i, h)
	}
	if err != nil && ctx.Err() == nil && errors.Is(context.Cause(limited), errHookTimeout) {
		return withHint(fmt.Errorf("it took longer than %s and was ended", h.Timeout), "raise timeout in the hook, or make the command faster")
	}
	if err != nil {
		return err
	}
	t.done(i.service.Name, "hook "+h.Name, time.Since(started))
	return nil
}

var errHookTimeout = errors.New("the hook's time is over")

// runInRelease runs the command once in the release, where the service runs.
func (w *work) runInRelease(ctx context.Context, i intent, h *manifest.Hook) error {
	d := i.deployment(w.Manifest, i.release)
	d.Env = maps.Clone(d.Env)
	maps.Copy(d.Env, h.Env)
	d.Sensitive = append(slices.Clone(d.Sensitive), h.Sensitive...)
	d.Schedules, d.Triggers = nil, nil
	d.Events = func(e targets.Event) { w.terminal.note(e.Message) }
	return targets.Run(ctx, i.target, targets.RunRequest{Deployment: d, Command: h.Run, Out: w.terminal.progress})
}

// hookGrace is how long a command on the machine has to end when it is told to.
const hookGrace = 10 * time.Second

// runOnMachine runs the command in the manifest's folder. It finds what it is
// there for in variables that begin with TWOFOLD_.
func (w *work) runOnMachine(ctx context.Context, i intent, h *manifest.Hook, url string) error {
	c := exec.CommandContext(ctx, h.Run[0], h.Run[1:]...)
	c.Dir = w.Dir
	c.Cancel = func() error { return c.Process.Signal(syscall.SIGTERM) }
	c.WaitDelay = hookGrace
	c.Env = append(os.Environ(),
		"TWOFOLD_PROJECT="+w.Project, "TWOFOLD_SERVICE="+i.service.Name, "TWOFOLD_ENVIRONMENT="+w.Environment,
		"TWOFOLD_TARGET="+i.place.address, "TWOFOLD_RELEASE="+i.release.Digest, "TWOFOLD_URL="+url)
	for _, name := range slices.Sorted(maps.Keys(h.Env)) {
		c.Env = append(c.Env, name+"="+h.Env[name])
	}
	c.Stdout, c.Stderr = w.terminal.progress, w.terminal.progress
	err := c.Run()
	switch {
	case err == nil:
		return nil
	case errors.Is(err, exec.ErrNotFound), errors.Is(err, fs.ErrNotExist):
		return w.At(i.service.Name, "hook."+h.Name+".run", fmt.Sprintf("There is no command %q", h.Run[0]), "It is looked for in PATH on the machine that deploys. Install it, or run the hook in the release: where = \"release\"").Err()
	case ctx.Err() != nil:
		return ctx.Err()
	}
	return fmt.Errorf("%s: %w", strings.Join(h.Run, " "), err)
}
