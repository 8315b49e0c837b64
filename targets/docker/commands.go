package docker

import (
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"strings"

	"github.com/moby/moby/api/pkg/stdcopy"
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
		return s.runOnce(ctx, w, r.Command, r.Out)
	})
}

func (s *session) runOnce(ctx context.Context, w *wanted, command []string, out io.Writer) error {
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
	o := w.container(command)
	o.Name = w.name + "-" + revision
	o.Config.Labels = with(s.target.labels(w.Key, roleCommand), labelRelease, w.Release.Digest, labelRevision, revision)
	if err := s.launched(ctx, w, revision, &o); err != nil {
		return err
	}
	if err := s.createContainer(ctx, o, w.networkID); err != nil {
		return err
	}
	return s.await(ctx, o.Name, command, out)
}

// await starts a container, carries over what it prints, and returns when it has
// ended.
func (s *session) await(ctx context.Context, name string, command []string, out io.Writer) error {
	if out == nil {
		out = io.Discard
	}
	stream, err := s.ContainerAttach(ctx, name, client.ContainerAttachOptions{Stream: true, Stdout: true, Stderr: true})
	if err != nil {
		return fmt.Errorf("attach to container %s: %w", name, err)
	}
	defer stream.Close()
	stop := context.AfterFunc(ctx, stream.HijackedResponse.Close)
	defer stop()
	wait := s.ContainerWait(ctx, name, client.ContainerWaitOptions{Condition: container.WaitConditionNextExit})
	if _, err := s.ContainerStart(ctx, name, client.ContainerStartOptions{}); err != nil {
		return fmt.Errorf("start %q: %w", command[0], err)
	}
	last := new(lastLine)
	both := io.MultiWriter(out, last)
	if _, err := stdcopy.StdCopy(both, both, stream.Reader); err != nil && ctx.Err() == nil {
		return fmt.Errorf("read what %q prints: %w", command[0], err)
	}
	select {
	case r := <-wait.Result:
		if r.StatusCode != 0 {
			return &targets.ExitError{Command: command, Code: int(r.StatusCode), Last: last.String()}
		}
		return nil
	case err := <-wait.Error:
		if ctx.Err() != nil {
			return ctx.Err()
		}
		return fmt.Errorf("wait for %q: %w", command[0], err)
	case <-ctx.Done():
		return ctx.Err()
	}
}

// lastLine remembers the last line that is not empty of what is written to it.
type lastLine struct{ whole, part []byte }

func (l *lastLine) Write(p []byte) (int, error) {
	const most = 4 << 10
	for _, b := range p {
		switch {
		case b != '\n' && len(l.part) < most:
			l.part = append(l.part, b)
		case b == '\n' && len(l.part) > 0:
			l.whole, l.part = l.part, l.whole[:0]
		}
	}
	return len(p), nil
}

func (l *lastLine) String() string {
	if len(l.part) > 0 {
		return string(l.part)
	}
	return string(l.whole)
}
