package host

import (
	"context"
	"fmt"
	"io"
	"log"
	"time"

	"github.com/twofoldhq/twofold/release"
	"github.com/twofoldhq/twofold/targets"
	"github.com/twofoldhq/twofold/targets/engine"
	"github.com/twofoldhq/twofold/targets/local/container"
	"github.com/twofoldhq/twofold/targets/local/sandbox"
)

// maker makes the workloads of a supervisor.
type maker struct {
	logger    *log.Logger
	hostLabel string
	ports     container.Ports
}

func (m *maker) make(ctx context.Context, o order) (workload, error) {
	if o.record.Form == release.Bundle {
		return m.function(ctx, o)
	}
	return m.container(ctx, o)
}

// containers is a container.Group as a workload.
type containers struct {
	*container.Group
	docker *engine.Engine // nil in a sandbox
}

func (m *maker) container(ctx context.Context, o order) (workload, error) {
	runner, found, err := m.runner(ctx, o)
	if err != nil {
		return nil, err
	}
	spec := o.record.Spec
	group := container.NewGroup(container.Config{
		Runner: runner, Name: o.name, Instances: spec.Scale.Min,
		Health: spec.Health, Start: startLimitOf(spec), Timeout: spec.Timeout,
		Log:    func() io.WriteCloser { return &lineWriter{out: o.log} },
		Logger: m.logger,
	})
	return &containers{Group: group, docker: found}, nil
}

func (m *maker) sandbox(ctx context.Context, o order) (container.Runner, error) {
	if err := canMount(o.mounts); err != nil {
		return nil, err
	}
	u, err := o.release.unpack(ctx, o.record.Release, release.Image)
	if err != nil {
		return nil, err
	}
	spec := o.record.Spec
	return container.Sandbox{
		Root: o.release.files(), Image: u, Env: o.env(), Mounts: o.mounts, Ports: &m.ports,
		Limits: container.Limits{Memory: spec.Memory, CPU: spec.CPU},
	}, nil
}

// canMount returns why a sandbox of this machine cannot show volumes.
func canMount(mounts []sandbox.Mount) error {
	if len(mounts) == 0 || sandbox.Describe().Namespaces {
		return nil
	}
	return fmt.Errorf("a sandbox of this machine cannot show volumes (%s): start a Docker Engine, or remove the volume blocks", sandbox.Describe().Summary)
}

// startLimitOf is how long an instance may take to get ready.
func startLimitOf(s Spec) time.Duration {
	if s.Start > 0 {
		return s.Start
	}
	return 30 * time.Second
}

func (c *containers) start(ctx context.Context) error { return c.Group.Start(ctx) }
func (c *containers) run()                            { c.Group.Run() }
func (c *containers) wait(ctx context.Context) error  { return c.Group.Wait(ctx) }
func (c *containers) describe() string                { return c.Group.Describe() }
func (c *containers) engine() bool                    { return c.docker != nil }

func (c *containers) close() {
	c.Group.Close()
	if c.docker != nil {
		c.docker.Close()
	}
}

func (c *containers) state() (targets.State, string, int) { return c.Group.State() }

func (c *containers) invoke(context.Context, []byte) (targets.InvokeResult, error) {
	return targets.InvokeResult{}, fmt.Errorf("a container takes no events: %w", targets.ErrUnsupported)
}
