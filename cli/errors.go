package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"syscall"

	"github.com/urfave/cli/v2"

	"github.com/twofoldhq/twofold/build"
	"github.com/twofoldhq/twofold/manifest"
	"github.com/twofoldhq/twofold/targets"
)

// UsageError is a wrong command line. Its exit code is 2.
type UsageError struct {
	Err error
	// Hint is a command that can be pasted, or "".
	Hint string
}

func (e *UsageError) Error() string { return e.Err.Error() }
func (e *UsageError) Unwrap() error { return e.Err }

func usageError(message, hint string) error {
	return &UsageError{Err: errors.New(message), Hint: hint}
}

// hintedError adds the command that mends an error.
type hintedError struct {
	error
	hint string
}

func (e *hintedError) Unwrap() error { return e.error }

func withHint(err error, hint string) error { return &hintedError{err, hint} }

// exitCode ends a command that has already said everything.
type exitCode int

func (e exitCode) Error() string { return fmt.Sprintf("exit code %d", int(e)) }

// interruptedError is a command that the user stopped.
type interruptedError struct{}

func (*interruptedError) Error() string { return "interrupted" }

func unknownCommand(app *cli.App, name string) error {
	var names []string
	for _, c := range app.VisibleCommands() {
		names = append(names, c.Name)
	}
	message := fmt.Sprintf("there is no command %q", name)
	if near := manifest.Nearest(name, names); near != "" {
		return usageError(message+fmt.Sprintf("; did you mean %q?", near), "twofold "+near+" --help")
	}
	return usageError(message, "twofold --help")
}

// report prints an error once, with what mends it, and returns the exit code.
// It is the one place where errors become exit codes and words.
func (t *terminal) report(err error) int {
	if err == nil {
		return exitDone
	}
	var code exitCode
	if errors.As(err, &code) {
		return int(code)
	}
	var diagnostics *manifest.Diagnostics
	if errors.As(err, &diagnostics) {
		t.diagnostics(diagnostics)
		return exitUsage
	}
	var usage *UsageError
	if errors.As(err, &usage) {
		t.fail(usage.Error())
		t.hint(usage.Hint)
		return exitUsage
	}
	var tool *build.ToolError
	if errors.As(err, &tool) {
		t.block(tool.Output)
	}
	var unhealthy *targets.NotHealthyError
	if errors.As(err, &unhealthy) && unhealthy.Output != "" {
		t.note("The last output of the app:")
		t.block(unhealthy.Output)
	}
	t.fail(err.Error())
	t.hint(hint(err))
	return exitFailed
}

// hint returns what mends an error, or "".
func hint(err error) string {
	var hinted *hintedError
	var tool *build.ToolError
	var unhealthy *targets.NotHealthyError
	switch {
	case errors.As(err, &hinted):
		return hinted.hint
	case errors.As(err, &tool) && tool.Hint != "":
		return tool.Hint
	case errors.As(err, &unhealthy):
		return "the app must listen on $PORT and answer its health path with 2xx; run it by hand with PORT set to see more"
	case errors.Is(err, syscall.ENOSPC):
		return "free some space, or set TWOFOLD_STATE_DIR to a folder on another disk"
	case errors.Is(err, fs.ErrPermission):
		return "check who owns the file"
	case errors.Is(err, targets.ErrUnsupported):
		return "twofold targets"
	case errors.Is(err, context.DeadlineExceeded):
		return "try again; the other side did not answer in time"
	}
	return ""
}

func (t *terminal) block(text string) {
	text = strings.TrimRight(text, "\n")
	if text == "" {
		return
	}
	for _, line := range strings.Split(text, "\n") {
		fmt.Fprintln(t.err, "  "+line)
	}
}
