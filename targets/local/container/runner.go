package container

import (
	"context"
	"io"
	"time"

	"github.com/twofoldhq/twofold/targets"
)

// Runner starts instances of one image on one deployment's terms.
type Runner interface {
	// Describe says what runs the instances, in words for a person, such as
	// "docker 28.2.2".
	Describe() string
	// Start starts one instance. ctx bounds the start only. An instance that was
	// started may still be far from ready.
	Start(ctx context.Context, s Start) (Instance, error)
}

// Start is what differs from one instance to the next.
type Start struct {
	// Name is unique on this machine and fit for a host name.
	Name string
	// Command replaces the one that starts the app, for an instance that takes no
	// requests; nil is the app's own.
	Command []string
	// Stdin is what the command reads, to its end; nil is nothing. A read may still
	// wait when the instance has ended.
	Stdin io.Reader
	// Terminal gives the command a terminal, whose keys are Stdin and whose screen is
	// Stdout; nil gives it none.
	Terminal *targets.Terminal
	// Stdout and Stderr receive the app's output as it comes.
	Stdout, Stderr io.Writer
}

// Instance is one running copy of the app.
type Instance interface {
	// Address is where it listens: "127.0.0.1:31000".
	Address() string
	// Done is closed when it has ended, for whatever reason, and all its output
	// has been written.
	Done() <-chan struct{}
	// Exit says in words how it ended, such as "it exited with status 1". It is
	// valid once Done is closed.
	Exit() string
	// Code is the exit status, 128 and the number of a signal, or -1 if it is not
	// known. It is valid once Done is closed.
	Code() int
	// Stop asks it to end, waits for the grace period, then ends it by force, and
	// returns when it is gone with all that was made for it.
	Stop(grace time.Duration)
}

// Limits are what one instance may use. Zero means no limit.
type Limits struct {
	// Memory is in bytes, CPU in thousandths of a core.
	Memory, CPU int64
}
