package command

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"

	"github.com/twofoldhq/twofold/build"
	"github.com/twofoldhq/twofold/build/tool"
	"github.com/twofoldhq/twofold/build/tree"
)

// output is what one run of the command leaves.
type output struct {
	settings
	platform build.Platform // zero if the run is for all platforms
	name     string         // relative to dir
	path     string         // absolute
	record   string         // file that holds the record of the last run
	stamp    string         // file that is written to read the file system's clock
	log      io.Writer
}

// upToDate returns what the output holds, after a run of the command if there is
// one and something changed since the last.
func (o output) upToDate(ctx context.Context) ([]tree.Entry, error) {
	if len(o.run) == 0 {
		return o.list(ctx)
	}
	last, ran := readRecord(o.record)
	if !ran {
		return o.runCommand(ctx)
	}
	inputs, err := o.listInputs(ctx)
	if err != nil {
		return nil, err
	}
	entries, err := o.list(ctx)
	if err != nil || !o.unchanged(last, inputs, entries) {
		return o.runCommand(ctx)
	}
	return entries, nil
}

// runCommand runs the command and remembers what it was run on.
func (o output) runCommand(ctx context.Context) ([]tree.Entry, error) {
	inputs, settled, err := o.settledInputs(ctx)
	if err != nil {
		return nil, err
	}
	// From here on the output is not that of the record any more.
	if err := os.Remove(o.record); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("build command: forget last run: %w", err)
	}
	cmd := tool.Command{Args: o.run, Dir: o.dir, Env: o.environment(os.Environ()), Log: o.log}
	if _, err := cmd.Run(ctx); err != nil {
		return nil, err
	}
	entries, err := o.list(ctx)
	if err != nil || !settled {
		return entries, err // without a record the command runs once more
	}
	if err := o.recordOf(inputs, entries).write(o.record); err != nil {
		return nil, fmt.Errorf("build command: remember run: %w", err)
	}
	return entries, o.noteChangedInputs(ctx, inputs)
}

// environment is that of the command.
func (o output) environment(env []string) []string {
	for name, value := range o.env {
		env = append(env, name+"="+value)
	}
	if o.eachPlatform() {
		env = append(env, "TWOFOLD_OS="+o.platform.OS, "TWOFOLD_ARCH="+o.platform.Arch)
	}
	return append(env, "PWD="+o.dir)
}

// list returns what the output holds now.
func (o output) list(ctx context.Context) ([]tree.Entry, error) {
	info, err := os.Stat(o.path)
	if errors.Is(err, fs.ErrNotExist) {
		detail := "There is nothing at " + o.path + "."
		if len(o.run) > 0 {
			detail = fmt.Sprintf("The command %s has left nothing at %s.", tool.Quote(o.run), o.path)
		}
		return nil, o.wrong("output", "There is no output", detail)
	}
	if err != nil {
		return nil, fmt.Errorf("build command: output %q: %w", o.name, err)
	}
	if !info.IsDir() {
		entry := tree.Entry{Path: path.Base(filepath.ToSlash(o.path)), Source: o.path}
		if entry.Info, err = os.Lstat(o.path); err != nil {
			return nil, fmt.Errorf("build command: output %q: %w", o.name, err)
		}
		return []tree.Entry{entry}, nil
	}
	entries, err := tree.Walk(ctx, o.path, o.leftOut)
	if err != nil {
		return nil, fmt.Errorf("build command: output %q: %w", o.name, err)
	}
	if len(entries) == 0 {
		return nil, o.wrong("output", "The output is empty", "There is no file below "+o.path+".")
	}
	return entries, nil
}
