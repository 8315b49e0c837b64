// Package local holds the two targets that always exist: local.container and
// local.function run a release on this machine.
//
// Both are clients of the local host, a process of this user that runs what is
// deployed and outlives the terminal; see package host.
package local

import (
	"context"
	"errors"
	"fmt"
	"sort"
	"strconv"
	"strings"
	"time"

	"github.com/twofoldhq/twofold/build"
	"github.com/twofoldhq/twofold/release"
	"github.com/twofoldhq/twofold/targets"
	"github.com/twofoldhq/twofold/targets/local/host"
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
	platforms := []build.Platform{host.Platform()}
	inContainer := &Target{client: client, problem: err, form: release.Image}
	inContainer.info = targets.Info{
		Plugin: "local", Name: "container",
		Doc:       "Runs the image on this machine: with a Docker Engine if one answers, else in a sandbox.",
		Forms:     []release.Kind{release.Image},
		Platforms: platforms,
		Operations: targets.Operations{
			Logs: inContainer.logs,
		},
	}
	asFunction := &Target{client: client, problem: err, form: release.Bundle}
	asFunction.info = targets.Info{
		Plugin: "local", Name: "function",
		Doc:       "Runs the bundle on this machine under an emulation of AWS Lambda with a function URL.",
		Forms:     []release.Kind{release.Bundle},
		Platforms: platforms,
		// The limits are Lambda's: "Lambda quotas" in its developer guide.
		Limits: targets.Limits{
			MemoryMin: 128 << 20, MemoryMax: 10240 << 20, TimeoutMax: 900 * time.Second,
			RequestMax: 6 << 20, AnswerMax: 6 << 20,
		},
		Operations: targets.Operations{
			Logs:   asFunction.logs,
			Invoke: asFunction.invoke,
		},
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
	if d.Release == nil {
		return targets.Status{}, fmt.Errorf("%s: deploy %q: no release was given", t.address(), d.Service)
	}
	if _, err := d.Release.Form(t.form, host.Platform()); err != nil {
		return targets.Status{}, fmt.Errorf("%s: deploy %q: %w", t.address(), d.Service, err)
	}
	req := host.DeployRequest{
		Key: d.Key, Target: t.address(), Form: t.form,
		Release: d.Release.Digest, Spec: host.SpecOf(d),
	}
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

func (t *Target) logs(ctx context.Context, r targets.LogsRequest) error {
	if t.problem != nil {
		return t.problem
	}
	return host.Logs(ctx, t.client.Layout, t.address(), r)
}

func (t *Target) invoke(ctx context.Context, r targets.InvokeRequest) (targets.InvokeResult, error) {
	if t.problem != nil {
		return targets.InvokeResult{}, t.problem
	}
	return t.client.Invoke(ctx, r.Key, t.address(), r.Event)
}

// Plan implements targets.Target. It compares the record on disk with d. The
// values of environment variables are not shown, since some are passwords.
func (t *Target) Plan(ctx context.Context, d targets.Deployment) (targets.Plan, error) {
	if t.problem != nil {
		return targets.Plan{}, t.problem
	}
	if d.Release == nil {
		return targets.Plan{}, errors.New(t.address() + ": plan: no release was given")
	}
	p := targets.Plan{Key: d.Key, Target: t.address(), Action: "none"}
	r, err := t.client.Record(d.Key, t.address())
	if err != nil {
		return p, err
	}
	next := attributes(d.Release.Digest, host.SpecOf(d))
	if r == nil {
		p.Action, p.Changes = "create", changes(nil, next)
		return p, nil
	}
	p.Changes = changes(attributes(r.Release, r.Spec), next)
	if p.Changes == nil {
		p.Changes, err = t.repairs(ctx, d.Key)
	}
	if len(p.Changes) > 0 {
		p.Action = "update"
	}
	return p, err
}

// repairs are what Deploy mends of a deployment that is as it should be on paper.
func (t *Target) repairs(ctx context.Context, k targets.Key) ([]targets.Change, error) {
	list, err := t.client.Status(ctx, targets.Filter(k), t.address())
	if err != nil || len(list) != 1 || list[0].State == targets.Running {
		return nil, err
	}
	return []targets.Change{{Name: "state", Before: string(list[0].State), After: string(targets.Running)}}, nil
}

func attributes(digest string, s host.Spec) map[string]string {
	a := map[string]string{"release": digest}
	set := func(name, value string) {
		if value != "" && value != "0" && value != "0s" {
			a[name] = value
		}
	}
	set("port", strconv.Itoa(s.Port))
	set("health.path", s.Health)
	set("health.start", s.Start.String())
	set("memory", strconv.FormatInt(s.Memory, 10))
	if s.CPU > 0 {
		set("cpu", strconv.FormatInt(s.CPU, 10)+"m")
	}
	set("timeout", s.Timeout.String())
	set("scale.min", strconv.Itoa(s.Scale.Min))
	set("scale.max", strconv.Itoa(s.Scale.Max))
	set("scale.concurrency", strconv.Itoa(s.Scale.Concurrency))
	for name, value := range s.Env {
		a["env."+name] = value
	}
	return a
}

func changes(before, after map[string]string) []targets.Change {
	var list []targets.Change
	for name, value := range after {
		if was, ok := before[name]; !ok || was != value {
			list = append(list, targets.Change{Name: name, Before: shown(name, was), After: shown(name, value)})
		}
	}
	for name, was := range before {
		if _, ok := after[name]; !ok {
			list = append(list, targets.Change{Name: name, Before: shown(name, was)})
		}
	}
	sort.Slice(list, func(a, b int) bool { return list[a].Name < list[b].Name })
	return list
}

func shown(name, value string) string {
	if strings.HasPrefix(name, "env.") && value != "" {
		return "(not shown)"
	}
	return value
}
