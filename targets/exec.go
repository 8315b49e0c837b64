package targets

import (
	"context"
	"fmt"
	"io"
	"strings"
)

// ExecRequest is a command that runs once beside what a deployment runs now: with the
// same files, environment, secrets, volumes and limits, in an instance of its own.
type ExecRequest struct {
	Key
	// Command has at least one word. A first word that begins with "./" is a file of
	// the app tree.
	Command []string
	// Out receives what the command prints, in whole lines.
	Out io.Writer
	// Events receives what happens; nil is allowed.
	Events func(Event)
}

// Exec runs a command once, and returns when it has ended: with an *ExitError if it
// failed, or ErrUnsupported where the target has no such operation.
func Exec(ctx context.Context, t Target, r ExecRequest) error {
	if op := t.Info().Operations.Exec; op != nil {
		return op(ctx, r)
	}
	return fmt.Errorf("%s: exec: %w", t.Info().Address(), ErrUnsupported)
}

// ExitError is a command that ended and failed.
type ExitError struct {
	Command []string
	// Code is the exit status, 128 and the signal's number for one that a signal ended.
	Code int
	// Last is the last line that it printed, or "".
	Last string
}

func (e *ExitError) Error() string {
	const signalled = 128
	how := fmt.Sprintf("it exited with status %d", e.Code)
	if e.Code > signalled {
		how = fmt.Sprintf("it was ended by signal %d", e.Code-signalled)
	}
	if e.Last != "" {
		how += ": " + e.Last
	}
	return fmt.Sprintf("%q: %s", strings.Join(e.Command, " "), how)
}
