// Package tool runs the tools that builders need, such as a compiler: output
// captured whole and passed on as it comes, the whole process group ended when
// the build is cancelled, nothing left running behind.
package tool

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"time"

	"github.com/twofoldhq/twofold/build"
)

const (
	// grace is how long a cancelled tool has to end by itself after SIGTERM.
	grace = 2 * time.Second
	// drain is how long the last output may take to arrive after the tool has
	// ended. Only a process that left the tool's group can need it.
	drain = time.Second
)

// Command is one run of a tool.
type Command struct {
	// Args is the tool and its arguments. A tool without a slash is looked up in
	// PATH, any other is a file relative to Dir.
	Args []string
	// Dir is the working directory.
	Dir string
	// Env is the whole environment; of a repeated name the last counts. Nil is
	// the environment of this process.
	Env []string
	// Display is the command line for messages, or "" for Args as a shell would
	// take them.
	Display string
	// Log receives the output as it comes; nil is allowed.
	Log io.Writer
}

// Run runs the command with nothing on its input and returns what it printed on
// both outputs. A tool that cannot be started or fails is a *build.ToolError; a
// run that was cancelled returns the context's error.
func (c Command) Run(ctx context.Context) (string, error) {
	if err := ctx.Err(); err != nil {
		return "", err
	}
	// The signal that a dead parent sends to its child is bound to the thread
	// that started the child, so the thread must live as long as the child.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()

	cmd := exec.Command(c.Args[0], c.Args[1:]...)
	cmd.Dir = c.Dir
	cmd.Env = c.Env
	ownGroup(cmd)

	r, w, err := os.Pipe()
	if err != nil {
		return "", c.failed("", err)
	}
	defer r.Close()
	cmd.Stdout, cmd.Stderr = w, w
	err = cmd.Start()
	w.Close()
	if err != nil {
		return "", c.notStarted(err)
	}
	out := collect(r, c.Log)

	ended := make(chan struct{})
	watched := make(chan struct{})
	go func() {
		defer close(watched)
		endWhenCancelled(ctx, cmd.Process.Pid, ended)
	}()
	err = cmd.Wait()
	close(ended)
	<-watched
	killGroup(cmd.Process.Pid) // what the tool left behind in its group

	r.SetReadDeadline(time.Now().Add(drain))
	output := out.wait()
	switch {
	case ctx.Err() != nil:
		return output, ctx.Err()
	case err != nil:
		return output, c.failed(output, err)
	}
	return output, nil
}

// endWhenCancelled asks the group to end when the context ends, and kills it
// when it takes longer than the grace period.
func endWhenCancelled(ctx context.Context, pid int, ended <-chan struct{}) {
	select {
	case <-ended:
		return
	case <-ctx.Done():
	}
	terminateGroup(pid)
	timer := time.NewTimer(grace)
	defer timer.Stop()
	select {
	case <-ended:
	case <-timer.C:
		killGroup(pid)
	}
}

// output is what a running tool has printed so far.
type output struct {
	buf  bytes.Buffer
	done chan struct{}
}

func collect(r io.Reader, log io.Writer) *output {
	o := &output{done: make(chan struct{})}
	go func() {
		defer close(o.done)
		chunk := make([]byte, 16<<10)
		for {
			n, err := r.Read(chunk)
			o.buf.Write(chunk[:n])
			if n > 0 && log != nil {
				log.Write(chunk[:n]) // a log that fails must not fail the build
			}
			if err != nil {
				return
			}
		}
	}()
	return o
}

func (o *output) wait() string {
	<-o.done
	return o.buf.String()
}

// notStarted says why the system would not start the tool.
func (c Command) notStarted(err error) error {
	name := c.Args[0]
	e := &build.ToolError{Tool: c.display(), Err: err}
	file := name
	if !filepath.IsAbs(file) {
		file = filepath.Join(c.Dir, name)
	}
	_, missing := os.Stat(file)
	switch {
	case errors.Is(err, exec.ErrNotFound):
		e.Hint = fmt.Sprintf("install %s, or add its folder to PATH", name)
		e.Err = &NotFoundError{Tool: name}
	case errors.Is(err, fs.ErrNotExist) && missing != nil:
		e.Hint = "there is no such file: " + file
	case errors.Is(err, fs.ErrNotExist):
		e.Hint = "the interpreter in its first line, after #!, is not installed"
	case errors.Is(err, fs.ErrPermission):
		e.Hint = "make it executable: chmod +x " + quoteWord(name)
	case errors.Is(err, syscall.ENOEXEC):
		e.Hint = "it is no program of this system; a script begins with #! and its interpreter"
	}
	return e
}

func (c Command) failed(output string, err error) error {
	e := &build.ToolError{Tool: c.display(), Output: output, Err: err}
	if strings.Contains(strings.ToLower(output), "no space left on device") || strings.Contains(output, "ENOSPC") {
		e.Hint = "the disk is full: free some space and build again"
	}
	return e
}

func (c Command) display() string {
	if c.Display != "" {
		return c.Display
	}
	return Quote(c.Args)
}

// NotFoundError is a tool that is not installed.
type NotFoundError struct{ Tool string }

func (e *NotFoundError) Error() string { return fmt.Sprintf("%s was not found in PATH", e.Tool) }

// Quote writes a command line as a POSIX shell would read it.
func Quote(args []string) string {
	quoted := make([]string, len(args))
	for i, a := range args {
		quoted[i] = quoteWord(a)
	}
	return strings.Join(quoted, " ")
}

func quoteWord(s string) string {
	plain := s != "" && strings.IndexFunc(s, func(r rune) bool {
		return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' ||
			strings.ContainsRune("-_./=:,@%+", r))
	}) < 0
	if plain {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}
