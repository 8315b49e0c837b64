//go:build !linux

package sandbox

import (
	"context"
	"fmt"
	"io"
	"os/exec"
	"runtime"
	"syscall"
)

// Process is a running process.
type Process struct {
	cmd  *exec.Cmd
	done chan struct{}
	exit Exit
}

// Init is never reached on this operating system.
func Init() int { return 1 }

// Describe says what isolation this machine allows: none but on Linux.
func Describe() Level {
	return Level{
		Summary: "no isolation on " + runtime.GOOS + ": the app runs as an ordinary process",
		Missing: []string{"namespaces, limits, a root of its own and loopback-only sockets: they need Linux"},
	}
}

// Start runs the command as an ordinary process on the machine's own files.
// Only a Spec without a Root can be run.
func Start(ctx context.Context, s Spec) (*Process, error) {
	if err := s.check(); err != nil {
		return nil, err
	}
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("sandbox: start %q: %w", s.Command[0], err)
	}
	if s.Root != "" || len(s.Mounts) > 0 {
		return nil, fmt.Errorf("sandbox: start %q: an unpacked image runs on Linux only: start Docker and deploy again", s.Command[0])
	}
	if s.Terminal != nil {
		return nil, fmt.Errorf("sandbox: start %q: a terminal without Docker needs Linux: leave it out with --no-tty", s.Command[0])
	}
	cmd := exec.Command(s.Command[0], s.Command[1:]...)
	cmd.Dir, cmd.Env = s.Dir, s.Env
	cmd.Stdout, cmd.Stderr = s.Stdout, s.Stderr
	var stdin io.WriteCloser
	if s.Stdin != nil {
		var err error
		if stdin, err = cmd.StdinPipe(); err != nil {
			return nil, fmt.Errorf("sandbox: start %q: %w", s.Command[0], err)
		}
	}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("sandbox: start %q: %w", s.Command[0], err)
	}
	p := &Process{cmd: cmd, done: make(chan struct{})}
	if stdin != nil {
		go func() {
			if _, err := io.Copy(stdin, s.Stdin); err == nil {
				stdin.Close()
			}
		}()
	}
	go p.wait()
	return p, nil
}

func (p *Process) wait() {
	_ = p.cmd.Wait()
	p.exit.Code = p.cmd.ProcessState.ExitCode()
	close(p.done)
}

// Done is closed when the process has ended and its output is drained.
func (p *Process) Done() <-chan struct{} { return p.done }

// Exit is valid after Done.
func (p *Process) Exit() Exit { return p.exit }

// Pid is the process id.
func (p *Process) Pid() int { return p.cmd.Process.Pid }

// Resize does nothing: no process has a terminal.
func (p *Process) Resize(Size) error { return nil }

// Missing is empty: Describe says it all.
func (p *Process) Missing() []string { return nil }

// Terminate asks the process to end.
func (p *Process) Terminate() error { return p.cmd.Process.Signal(syscall.SIGTERM) }

// Kill ends the process.
func (p *Process) Kill() error { return p.cmd.Process.Kill() }
