package host

import (
	"errors"
	"fmt"

	"github.com/twofoldhq/twofold/release"
	"github.com/twofoldhq/twofold/targets"
	"github.com/twofoldhq/twofold/targets/secretfile"
)

// protocol is the version of the messages between client and supervisor.
const protocol = 3

// Hello is how a supervisor introduces itself.
type Hello struct {
	Protocol int   `json:"protocol"`
	Build    Build `json:"build"`
	Pid      int   `json:"pid"`
	// Ending says that it takes no more requests and makes room for another.
	Ending bool `json:"ending,omitempty"`
}

// Build tells one twofold binary from another.
type Build struct {
	Version string `json:"version"`
	// Path, Size and Time are of the binary. They tell two builds of one version
	// apart, as they come one after the other while twofold is worked on.
	Path string `json:"path"`
	Size int64  `json:"size"`
	Time int64  `json:"time"`
}

// replaces reports whether a client of build b takes the place of a supervisor of
// build o. The same version installed twice in different places does not.
func (b Build) replaces(o Build) bool {
	return b.Version != o.Version || (b.Path == o.Path && b != o)
}

// DeployRequest asks for a deployment.
type DeployRequest struct {
	targets.Key
	Target  string       `json:"target"`
	Form    release.Kind `json:"form"`
	Release string       `json:"release"`
	Spec    Spec         `json:"spec"`
	// Secrets are the values of the secrets. They are kept apart from the spec.
	Secrets secretfile.Values `json:"secrets,omitempty"`
	// Incoming is the folder below Layout.incoming that holds the release's store,
	// or "" in the hope that the supervisor has the release.
	Incoming string `json:"incoming,omitempty"`
	// Pid is the client's, for whoever waits for its deploy.
	Pid int `json:"pid"`
}

// runRequest asks to run a command once in what a deploy would run.
type runRequest struct {
	DeployRequest
	Command []string `json:"command"`
}

// execRequest asks to run a command once in what is deployed.
type execRequest struct {
	keyRequest
	Command []string `json:"command"`
	// ID names the command's input and sizes, which come in requests of their own.
	ID string `json:"id"`
	// Input says that the command reads something.
	Input bool `json:"input,omitempty"`
	// Term and Size are of the terminal that the command gets; a nil Size is none.
	Term string                `json:"term,omitempty"`
	Size *targets.TerminalSize `json:"size,omitempty"`
	Pid  int                   `json:"pid"`
}

// sizeRequest is a new size of the terminal of a command.
type sizeRequest struct {
	ID   string               `json:"id"`
	Size targets.TerminalSize `json:"size"`
}

// message is one line of the answer to a deploy, a run or an exec; one of its fields is set.
type message struct {
	Event *targets.Event `json:"event,omitempty"`
	// Output is what the command printed, of a run in whole lines; Errors is what that
	// of an exec printed on standard error.
	Output []byte `json:"output,omitempty"`
	Errors []byte `json:"errors,omitempty"`
	// Started says that the command of an exec runs.
	Started bool            `json:"started,omitempty"`
	Status  *targets.Status `json:"status,omitempty"`
	// Ended says that the command has ended well.
	Ended bool       `json:"ended,omitempty"`
	Error *wireError `json:"error,omitempty"`
}

// keyRequest names a deployment.
type keyRequest struct {
	targets.Key
	Target string `json:"target"`
}

type invokeRequest struct {
	keyRequest
	Event []byte `json:"event"`
}

type destroyResult struct {
	Existed bool `json:"existed"`
}

// wireError carries an error whose type matters to the other side.
type wireError struct {
	Kind    string `json:"kind,omitempty"`
	Message string `json:"message"`
	Reason  string `json:"reason,omitempty"`
	Output  string `json:"output,omitempty"`
	Code    int    `json:"code,omitempty"`
}

// errNeedRelease is the supervisor's answer to a deploy of a release that it
// has not got: the client then sends it along.
var errNeedRelease = errors.New("the local host does not have the release")

// errEnding is the answer of a supervisor that makes room for another. The client
// starts the next one and asks again.
var errEnding = errors.New("the local host is ending; run the command again")

func toWire(err error) *wireError {
	w := &wireError{Message: err.Error()}
	var unhealthy *targets.NotHealthyError
	var exit *targets.ExitError
	switch {
	case errors.As(err, &exit):
		w.Kind, w.Code, w.Output = "exit", exit.Code, exit.Last
	case errors.As(err, &unhealthy):
		w.Kind, w.Reason, w.Output = "not-healthy", unhealthy.Reason, unhealthy.Output
	case errors.Is(err, errNeedRelease):
		w.Kind = "need-release"
	case errors.Is(err, targets.ErrUnsupported):
		w.Kind = "unsupported"
	case errors.Is(err, errEnding):
		w.Kind = "ending"
	}
	return w
}

// error returns an error that errors.As and errors.Is see as they would have
// seen the one that was sent.
func (w *wireError) error() error {
	switch w.Kind {
	case "not-healthy":
		return &sentError{w.Message, &targets.NotHealthyError{Reason: w.Reason, Output: w.Output}}
	case "exit":
		return &targets.ExitError{Code: w.Code, Last: w.Output}
	case "need-release":
		return errNeedRelease
	case "ending":
		return errEnding
	case "unsupported":
		return &sentError{w.Message, targets.ErrUnsupported}
	}
	return errors.New(w.Message)
}

type sentError struct {
	message string
	cause   error
}

func (e *sentError) Error() string { return e.message }
func (e *sentError) Unwrap() error { return e.cause }

// fail names the operation and the deployment that an error is about, once.
func fail(op string, k targets.Key, err error) error {
	return fmt.Errorf("local host: %s %q: %w", op, k.Service, err)
}
