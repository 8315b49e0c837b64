package docker

import (
	"context"
	"crypto/rand"
	"fmt"
	"strings"

	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/client"

	"github.com/twofoldhq/twofold/targets"
)

// run runs a command once in what a deploy would run. It ends with the context.
func (t *Target) run(ctx context.Context, r targets.RunRequest) error {
	values, err := t.values(ctx, r.Deployment)
	if err != nil {
		return fmt.Errorf("%s: run %q: %w", t.address(), r.Service, err)
	}
	return t.with(ctx, fmt.Sprintf("run %q", r.Service), func(ctx context.Context, s *session) error {
		w, err := s.want(r.Deployment, values)
		if err != nil {
			return err
		}
		return s.runOnce(ctx, w, targets.ExecRequest{Key: r.Key, Command: r.Command, Streams: targets.Streams{Out: r.Out, Err: r.Out}})
	})
}

func (s *session) runOnce(ctx context.Context, w *wanted, r targets.ExecRequest) error {
	if err := s.ensureNetworks(ctx, w); err != nil {
		return err
	}
	if err := s.ensureImage(ctx, w); err != nil {
		return err
	}
	if err := s.ensureVolumes(ctx, w); err != nil {
		return err
	}
	revision := strings.ToLower(rand.Text()[:8])
	defer s.discard(ctx, revision)
	if err := s.writeSecrets(ctx, w, revision, roleCommand); err != nil {
		return err
	}
	o := w.container(r.Command)
	o.Name = w.name + "-" + revision
	o.Config.Labels = with(s.target.labels(w.Key, roleCommand), labelRelease, w.Release.Digest, labelRevision, revision)
	if err := s.launched(ctx, w, revision, &o); err != nil {
		return err
	}
	if err := s.createContainer(ctx, o, w.networkID); err != nil {
		return err
	}
	return s.await(ctx, o.Name, r)
}

// await starts a container, carries over what it reads and prints, and returns when it
// has ended.
func (s *session) await(ctx context.Context, name string, r targets.ExecRequest) error {
	printed := targets.NewPrinted(r.Streams)
	r.Out, r.Err = printed.Out(), printed.Err()
	attached, err := s.Attach(ctx, name, r.Streams)
	if err != nil {
		return err
	}
	defer attached.Close()
	wait := s.ContainerWait(ctx, name, client.ContainerWaitOptions{Condition: container.WaitConditionNextExit})
	if _, err := s.ContainerStart(ctx, name, client.ContainerStartOptions{}); err != nil {
		return fmt.Errorf("start %q: %w", r.Command[0], err)
	}
	r.Begin()
	if err := attached.Carry(ctx); err != nil && ctx.Err() == nil {
		return fmt.Errorf("carry over what %q prints: %w", r.Command[0], err)
	}
	select {
	case ended := <-wait.Result:
		if ended.StatusCode != 0 {
			return &targets.ExitError{Command: r.Command, Code: int(ended.StatusCode), Last: printed.Last()}
		}
		return nil
	case err := <-wait.Error:
		if ctx.Err() != nil {
			return ctx.Err()
		}
		return fmt.Errorf("wait for %q: %w", r.Command[0], err)
	case <-ctx.Done():
		return ctx.Err()
	}
}
