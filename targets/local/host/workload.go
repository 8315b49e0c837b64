package host

import (
	"context"
	"maps"
	"net/http"
	"time"

	"github.com/twofoldhq/twofold/targets"
	"github.com/twofoldhq/twofold/targets/local/sandbox"
	"github.com/twofoldhq/twofold/targets/secretfile"
)

// workload is one release that runs for one deployment: a container.Group or a
// function.Function.
type workload interface {
	http.Handler
	// start returns when it serves, or an error after it has cleaned up.
	start(ctx context.Context) error
	// run is start for a deployment that served before: it returns at once, and
	// goes on trying when the app does not come up.
	run()
	// wait returns nil when it serves, or an error when it is known not to.
	wait(ctx context.Context) error
	// state says how it does; the detail explains what is wrong.
	state() (s targets.State, detail string, instances int)
	// describe says what runs it, in words.
	describe() string
	// engine reports whether a Docker Engine runs it.
	engine() bool
	// invoke sends an event, or returns targets.ErrUnsupported.
	invoke(ctx context.Context, event []byte) (targets.InvokeResult, error)
	// fire posts to the app for a schedule, and returns nil if it answers with 2xx.
	fire(ctx context.Context, s targets.Schedule, at time.Time) error
	// close ends it and returns when nothing of it is left. It is safe to call
	// after a start that failed.
	close()
}

// order is what a workload is made for.
type order struct {
	record *Record
	// deploymentDir is the deployment's folder.
	deploymentDir string
	// release is where the release lies.
	release releaseDir
	// name is unique among all workloads of this machine.
	name string
	// log receives the app's output in whole lines.
	log *logFile
	// resumed says that the deployment served before: it keeps its runner.
	resumed bool
	// secrets are the values of the secrets; mounts show the volumes.
	secrets secretfile.Values
	mounts  []sandbox.Mount
	// say tells the one who deploys what happens; it may be nil.
	say func(string)
}

// env is the service's own environment with its secrets.
func (o order) env() map[string]string {
	env := make(map[string]string, len(o.record.Spec.Env)+len(o.secrets))
	maps.Copy(env, o.record.Spec.Env)
	maps.Copy(env, o.secrets)
	return env
}
