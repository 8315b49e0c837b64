package host

import (
	"context"
	"net/http"

	"github.com/twofoldhq/twofold/targets"
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
	// say tells the one who deploys what happens; it may be nil.
	say func(string)
}
