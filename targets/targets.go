// Package targets holds the contract between twofold and a place to run
// services. One package below it implements one target.
package targets

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/twofoldhq/twofold/build"
	"github.com/twofoldhq/twofold/release"
	"github.com/twofoldhq/twofold/targets/schedule"
)

// ErrUnsupported is returned by an operation that a target does not declare.
var ErrUnsupported = errors.New("the target does not support this")

// ErrNotYet says that a plugin has no Open: what any command but check returns
// for its targets.
var ErrNotYet = errors.New("this version of twofold checks whether services fit the target, and does not deploy to it yet")

// Target is a place to run services: a plugin with its name and settings.
//
// A target keeps its state where it runs, never on the machine that deploys.
type Target interface {
	// Info never fails and never changes during the target's life.
	Info() Info
	// Plan says what Deploy would change, and changes nothing.
	Plan(ctx context.Context, d Deployment) (Plan, error)
	// Deploy makes the deployment run d.Release, and returns when it serves. The
	// release that ran before serves until then, and goes on serving if Deploy
	// fails or is cancelled. Deploying what already runs changes nothing.
	Deploy(ctx context.Context, d Deployment) (Status, error)
	// Status returns the deployments that match the filter, sorted by key. One
	// that does not exist is not an error.
	Status(ctx context.Context, f Filter) ([]Status, error)
	// Destroy removes the deployment and everything it made. One that does not
	// exist is no error; the result says whether there was one.
	Destroy(ctx context.Context, k Key) (bool, error)
}

// Info describes a target.
type Info struct {
	// Plugin is the target's kind, such as "local"; Name is the name that the
	// manifest gives to it. Plugin + "." + Name is how a user addresses it.
	Plugin, Name string
	// Doc is one sentence.
	Doc string
	// Forms are the forms that the target runs, the preferred one first.
	Forms []release.Kind
	// Platforms are the platforms that the target runs, the preferred one first.
	Platforms []build.Platform
	// Runtimes are the language runtimes that the target has for bundles, in the
	// names of package build/runtimes. Nil is any that the machine has.
	Runtimes []string
	Limits   Limits
	// Gaps are the features of a manifest that the target does not have.
	Gaps map[Feature]Gap
	// Check returns what limits and gaps cannot say: the target's own rules. It
	// reads nothing and connects to nothing; nil is no such rule. Call fit.Check,
	// which calls it, and not Check.
	Check func(Workload) []Finding
	// Operations are the optional things that the target does. Those of a plugin
	// without Open return ErrNotYet.
	Operations Operations
}

// Address returns the form "local.container".
func (i Info) Address() string { return i.Plugin + "." + i.Name }

// Operations are what a target may do beyond its contract. A nil function is
// not declared; the functions Logs and Invoke of this package return
// ErrUnsupported for it. The value is filled once, when the target is made.
type Operations struct {
	Logs   func(ctx context.Context, r LogsRequest) error
	Invoke func(ctx context.Context, r InvokeRequest) (InvokeResult, error)
	// Secrets returns an error that names each secret of a deployment that the
	// target cannot look up. It is asked before anything is built; nil is for a
	// target that finds out when it deploys.
	Secrets func(ctx context.Context, d Deployment) error
	// Run runs a command once in the files and the environment of a release, and
	// returns when it has ended: a migration before a deploy.
	Run func(ctx context.Context, r RunRequest) error
	// Exec runs a command once beside what a deployment runs now.
	Exec func(ctx context.Context, r ExecRequest) error
	// Rollback makes a deployment run an earlier release again.
	Rollback func(ctx context.Context, r RollbackRequest) (Status, error)
	// Metrics says how a deployment did during the last day.
	Metrics func(ctx context.Context, k Key) (Metrics, error)
	// Samples are events of a deployment, one for each way in: what Invoke takes.
	// It asks nobody.
	Samples func(d Deployment) []Sample
	// Policy returns the least rights that deploying these deployments, stating,
	// rolling back and destroying them need, as a document in the language of the
	// target's platform. It asks nobody; Release is nil in each of them.
	Policy func(list []Deployment) ([]byte, error)
	// Manifests writes deployments as files that another tool applies.
	Manifests func(ctx context.Context, r ManifestsRequest) ([]ManifestFile, error)
	// Address is the URL by which other services of the target will reach a
	// deployment. It asks nobody; the Release may be nil.
	Address func(d Deployment) string
}

// Logs writes a deployment's log, or returns ErrUnsupported.
func Logs(ctx context.Context, t Target, r LogsRequest) error {
	if op := t.Info().Operations.Logs; op != nil {
		return op(ctx, r)
	}
	return fmt.Errorf("%s: logs: %w", t.Info().Address(), ErrUnsupported)
}

// Run runs a command of a release once, or returns ErrUnsupported.
func Run(ctx context.Context, t Target, r RunRequest) error {
	if op := t.Info().Operations.Run; op != nil {
		return op(ctx, r)
	}
	return fmt.Errorf("%s: run: %w", t.Info().Address(), ErrUnsupported)
}

// Invoke sends one request or event to a deployment, or returns ErrUnsupported.
func Invoke(ctx context.Context, t Target, r InvokeRequest) (InvokeResult, error) {
	if op := t.Info().Operations.Invoke; op != nil {
		return op(ctx, r)
	}
	return InvokeResult{}, fmt.Errorf("%s: invoke: %w", t.Info().Address(), ErrUnsupported)
}

// Key names a deployment.
type Key struct {
	Project     string `json:"project"`
	Service     string `json:"service"`
	Environment string `json:"environment"`
}

// Deployment is what a target is asked to run.
type Deployment struct {
	Key
	// Release is open: its blobs can be read.
	Release *release.Release
	// Port is where the app listens, given to it as $PORT. A target that gives
	// each instance its own network uses it; one that cannot picks another.
	Port int
	// Health is the path that answers with 2xx when the app is ready.
	Health string
	// Start is how long an instance may take until it is ready.
	Start time.Duration
	// Env is the service's own environment.
	Env map[string]string
	// Memory is the limit of one instance in bytes, or 0 for the target's default.
	Memory int64
	// CPU is the limit of one instance in thousandths of a core, or 0.
	CPU int64
	// Timeout is how long one request may take, or 0 for the target's default.
	Timeout time.Duration
	Scale   Scale
	// Domain is the host name under which the service is public, or "".
	Domain  string
	Rollout Rollout
	// Secrets are resolved by the target; none of their values is in here.
	Secrets []Secret
	Volumes []Volume
	// Schedules and Triggers are those that this target fires.
	Schedules []Schedule
	Triggers  []Trigger
	// TriggersOnly: the service's requests go to another target, and this
	// deployment is there for its schedules and triggers.
	TriggersOnly bool
	// Sensitive names the variables of Env whose values are never shown.
	Sensitive []string
	// Dir is the project's folder, where the local targets look for the file
	// with the values of secrets.
	Dir string
	// Events receives what happens during Deploy; nil is allowed.
	Events func(Event)
}

// Scale is how many instances run.
type Scale struct {
	// Min and Max bound the instances; Max 0 is the target's default.
	Min, Max int
	// Concurrency is how many requests one instance takes at a time, on targets
	// that leave the choice; 0 is the target's default.
	Concurrency int
}

// Secret is an environment variable whose value the target looks up.
type Secret struct {
	// Name is the environment variable's; From is the secret's name in the
	// target's own store.
	Name, From string
}

// Volume is storage that outlives an instance.
type Volume struct {
	Name string
	// Path is where the app finds it, absolute.
	Path string
	// Size is in bytes, or 0 for the target's default.
	Size     int64
	ReadOnly bool
}

// Schedule is a POST to the app at times.
type Schedule = schedule.Schedule

// The kinds of triggers.
const (
	TriggerQueue  = "queue"
	TriggerObject = "object"
)

// Trigger is a POST to the app for each message of a queue or change of an object.
type Trigger struct {
	// Kind is TriggerQueue or TriggerObject.
	Kind, Name string
	// Source is the queue or the bucket, in the target's words.
	Source string
	// Path is what the POST goes to.
	Path string
	// Batch is how many messages come at a time, at least 1; Whole says that they
	// come as one request.
	Batch int
	Whole bool
	// Prefix and Suffix narrow the objects by name.
	Prefix, Suffix string
	// Created and Removed say which changes of an object fire.
	Created, Removed bool
}

// Event is one thing that happened during an operation, for a person to read.
type Event struct {
	// Message is a sentence without a full stop, such as "waiting for /healthz".
	Message string
	// Warning marks what the user should know though the operation goes on.
	Warning bool
}

// Filter selects deployments; empty fields match all.
type Filter struct {
	Project, Service, Environment string
}

// State is how a deployment does.
type State string

// The states of a deployment.
const (
	// Running: it answers requests, or will start an instance for the next one.
	Running State = "running"
	// Failing: it should run, and its instances die or do not get ready.
	Failing State = "failing"
	// Stopped: it is deployed, and nothing runs it now. Detail says why.
	Stopped State = "stopped"
)

// Status is what a target knows of one deployment.
type Status struct {
	Key
	// Target is the address of the target, such as "local.container".
	Target string `json:"target"`
	State  State  `json:"state"`
	// Detail is a sentence that explains the state, with the command that mends it.
	Detail string `json:"detail,omitempty"`
	// URL is where the deployment answers.
	URL string `json:"url"`
	// Release is the digest of the release that serves.
	Release string       `json:"release"`
	Form    release.Kind `json:"form"`
	// Runner says what runs it: "docker 28.2", "sandbox: ...", in the target's words.
	Runner    string    `json:"runner,omitempty"`
	Instances int       `json:"instances"`
	Deployed  time.Time `json:"deployed"`
	// Changed says, in the result of Deploy, whether it changed anything.
	Changed bool `json:"changed,omitempty"`
	// Schedules are those that the target fires, sorted by name, and Volumes
	// where the target keeps the volumes.
	Schedules []ScheduleStatus `json:"schedules,omitempty"`
	Volumes   []VolumeStatus   `json:"volumes,omitempty"`
	// Traffic is what takes requests, where it is more than one release.
	Traffic []Share `json:"traffic,omitempty"`
	// Earlier are the releases that Rollback can go back to, the newest first.
	Earlier []Earlier `json:"earlier,omitempty"`
}

// ScheduleStatus is what a target knows of one schedule.
type ScheduleStatus = schedule.Status

// VolumeStatus is where a volume's data lies.
type VolumeStatus struct {
	Name string `json:"name"`
	// Place is a folder, or the volume's name in the target's words. Kept says
	// that the data stays there when the deployment is destroyed.
	Place string `json:"place"`
	Kept  bool   `json:"kept"`
}

// Plan is what a deploy would change.
type Plan struct {
	Key
	Target string `json:"target"`
	Action Action `json:"action"`
	// Changes are the attributes that would change, sorted by name.
	Changes []Change `json:"changes,omitempty"`
	// Hooks are the commands that run with the deploy, in words.
	Hooks []string `json:"hooks,omitempty"`
}

// Action is what a deploy would do as a whole.
type Action string

// The actions of a plan.
const (
	ActionCreate Action = "create"
	ActionUpdate Action = "update"
	ActionNone   Action = "none"
)

// Change is one attribute that a deploy would change.
type Change struct {
	Name   string `json:"name"`
	Before string `json:"before,omitempty"`
	After  string `json:"after,omitempty"`
}

// LogsRequest asks for a deployment's log.
type LogsRequest struct {
	Key
	// Follow goes on until the context ends, across releases.
	Follow bool
	// Tail is how many of the last lines come first; 0 is all, negative is none.
	Tail int
	// Out receives whole lines. Each is the app's own, untouched.
	Out io.Writer
}

// RunRequest is a command that runs once.
type RunRequest struct {
	// Deployment says what the command finds: files, environment, secrets,
	// volumes, limits. It need not be deployed.
	Deployment
	// Command replaces the one that starts the app. A first word that begins with
	// "./" is a file of the app tree.
	Command []string
	// Out receives what the command prints, in whole lines.
	Out io.Writer
}

// InvokeRequest is one event for a deployment.
type InvokeRequest struct {
	Key
	// Event is the JSON of the event.
	Event []byte
}

// InvokeResult is the answer to an event.
type InvokeResult struct {
	// Error is the platform's error JSON when the invocation failed, else nil.
	Error []byte
	// Payload is what the platform returned.
	Payload []byte
}

// NotHealthyError is an instance that did not get ready.
type NotHealthyError struct {
	// Reason is a sentence: "it exited with status 1 after 0.2 s".
	Reason string
	// Output is the last lines that the app printed.
	Output string
}

func (e *NotHealthyError) Error() string { return "the app did not get ready: " + e.Reason }
