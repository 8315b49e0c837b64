// Package local holds the two targets that always exist: local.container and
// local.function run a release on this machine.
//
// Both are clients of the local host, a process of this user that runs what is
// deployed and outlives the terminal; see package host.
package local

import (
	"context"
	"fmt"
	"os"

	"github.com/twofoldhq/twofold/release"
	"github.com/twofoldhq/twofold/targets"
	"github.com/twofoldhq/twofold/targets/fit/awslambda"
	"github.com/twofoldhq/twofold/targets/local/host"
	"github.com/twofoldhq/twofold/targets/secretfile"
)

// Options say where the local host is.
type Options struct {
	// StateDir is twofold's state folder; the local host lives below it.
	StateDir string
	// Executable is the twofold binary, which is started again as the local host
	// when one is needed. Version tells it from another.
	Executable, Version string
}

// Targets returns local.container and local.function. Nothing is started before
// it is needed.
func Targets(o Options) []targets.Target {
	layout, err := host.NewLayout(o.StateDir)
	client := host.Client{Layout: layout, Executable: o.Executable, Version: o.Version}
	inContainer := &Target{client: client, problem: err, form: release.Image}
	inContainer.info = containerInfo()
	inContainer.info.Operations = targets.Operations{
		Logs:    inContainer.logs,
		Secrets: inContainer.secrets,
		Run:     inContainer.run,
		Exec:    inContainer.exec,
	}
	asFunction := &Target{client: client, problem: err, form: release.Bundle}
	asFunction.info = functionInfo()
	asFunction.info.Operations = targets.Operations{
		Logs:    asFunction.logs,
		Invoke:  asFunction.invoke,
		Samples: awslambda.Samples,
		Secrets: asFunction.secrets,
		Run:     asFunction.run,
		Exec:    asFunction.exec,
	}
	return []targets.Target{inContainer, asFunction}
}

// Target is local.container or local.function.
type Target struct {
	client  host.Client
	problem error // with the options; returned by every operation
	form    release.Kind
	info    targets.Info
}

var _ targets.Target = (*Target)(nil)

// Info implements targets.Target.
func (t *Target) Info() targets.Info { return t.info }

func (t *Target) address() string { return t.info.Address() }

// Deploy implements targets.Target. When the context ends, the local host gives
// the deploy up, and what ran before goes on running.
func (t *Target) Deploy(ctx context.Context, d targets.Deployment) (targets.Status, error) {
	if t.problem != nil {
		return targets.Status{}, t.problem
	}
	req, err := t.request(ctx, "deploy", d)
	if err != nil {
		return targets.Status{}, err
	}
	t.warnOfTriggers(d)
	return t.client.Deploy(ctx, req, d.Release.CopyTo, d.Events)
}

// Status implements targets.Target. Without a local host it says what is on disk.
func (t *Target) Status(ctx context.Context, f targets.Filter) ([]targets.Status, error) {
	if t.problem != nil {
		return nil, t.problem
	}
	return t.client.Status(ctx, f, t.address())
}

// Destroy implements targets.Target.
func (t *Target) Destroy(ctx context.Context, k targets.Key) (bool, error) {
	if t.problem != nil {
		return false, t.problem
	}
	return t.client.Destroy(ctx, k, t.address())
}

func (t *Target) secrets(ctx context.Context, d targets.Deployment) error {
	if _, _, err := secretfile.Resolve(ctx, d.Dir, os.LookupEnv, d.Secrets); err != nil {
		return fmt.Errorf("%s: secrets of %q: %w", t.address(), d.Service, err)
	}
	return nil
}

func (t *Target) logs(ctx context.Context, r targets.LogsRequest) error {
	if t.problem != nil {
		return t.problem
	}
	return host.Logs(ctx, t.client.Layout, t.address(), r)
}

func (t *Target) exec(ctx context.Context, r targets.ExecRequest) error {
	if t.problem != nil {
		return t.problem
	}
	return t.client.Exec(ctx, t.address(), r)
}

func (t *Target) invoke(ctx context.Context, r targets.InvokeRequest) (targets.InvokeResult, error) {
	if t.problem != nil {
		return targets.InvokeResult{}, t.problem
	}
	return t.client.Invoke(ctx, r.Key, t.address(), r.Event)
}
