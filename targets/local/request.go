package local

import (
	"context"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/twofoldhq/twofold/targets"
	"github.com/twofoldhq/twofold/targets/local/host"
	"github.com/twofoldhq/twofold/targets/secretfile"
)

// request is what the local host is asked for a deployment: with the values of its
// secrets, which are looked up here, where the user's environment is. op is the
// verb of errors.
func (t *Target) request(ctx context.Context, op string, d targets.Deployment) (host.DeployRequest, error) {
	req, warnings, err := t.resolve(ctx, d)
	if err != nil {
		return req, fmt.Errorf("%s: %s %q: %w", t.address(), op, d.Service, err)
	}
	for _, w := range warnings {
		say(d, targets.Event{Message: w, Warning: true})
	}
	return req, nil
}

func (t *Target) resolve(ctx context.Context, d targets.Deployment) (host.DeployRequest, []string, error) {
	if d.Release == nil {
		return host.DeployRequest{}, nil, fmt.Errorf("no release was given")
	}
	if _, err := d.Release.Form(t.form, host.Platform()); err != nil {
		return host.DeployRequest{}, nil, err
	}
	spec := host.SpecOf(d)
	if err := spec.Check(); err != nil {
		return host.DeployRequest{}, nil, err
	}
	for _, s := range d.Secrets {
		if _, twice := d.Env[s.Name]; twice {
			return host.DeployRequest{}, nil, fmt.Errorf("%s is a secret and a variable of env: remove one of them", s.Name)
		}
	}
	values, warnings, err := secretfile.Resolve(ctx, d.Dir, os.LookupEnv, d.Secrets)
	req := host.DeployRequest{Key: d.Key, Target: t.address(), Form: t.form, Release: d.Release.Digest, Spec: spec, Secrets: values}
	return req, warnings, err
}

// run runs a command once in the local host, in what a deploy would run. It ends
// with the context.
func (t *Target) run(ctx context.Context, r targets.RunRequest) error {
	if t.problem != nil {
		return t.problem
	}
	req, err := t.request(ctx, "run", r.Deployment)
	if err != nil {
		return err
	}
	out := r.Out
	if out == nil {
		out = io.Discard
	}
	return t.client.Run(ctx, req, r.Release.CopyTo, r.Command, out, r.Events)
}

// warnOfTriggers says that no queue and no bucket of this machine fires.
func (t *Target) warnOfTriggers(d targets.Deployment) {
	if len(d.Triggers) == 0 {
		return
	}
	var names []string
	for _, trigger := range d.Triggers {
		names = append(names, fmt.Sprintf("%s %q", trigger.Kind, trigger.Name))
	}
	how := fmt.Sprintf("POST its JSON to %s of the deployment's URL", d.Triggers[0].Path)
	if t.info.Operations.Invoke != nil {
		how = fmt.Sprintf("run `twofold invoke --to %s --sample %s:%s %s`", t.address(), d.Triggers[0].Kind, d.Triggers[0].Name, d.Service)
	} else {
		how += ", or run `twofold invoke --to local.function`"
	}
	message := fmt.Sprintf("nothing on this machine fires %s; to send an event by hand, %s", strings.Join(names, " and "), how)
	say(d, targets.Event{Message: message, Warning: true})
}

func say(d targets.Deployment, e targets.Event) {
	if d.Events != nil {
		d.Events(e)
	}
}
