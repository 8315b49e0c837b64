package sandbox

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// Process is a process tree in a sandbox. Its methods may be called at any
// time from any goroutine.
type Process struct {
	init       *os.Process
	pid        int
	namespaces bool
	control    *control
	reports    *json.Decoder
	outputs    *outputs
	input      *input    // nil if the app reads nothing
	terminal   *terminal // nil if it has none
	group      *cgroup
	missing    []string

	killed      sync.Once
	outOfMemory atomic.Bool
	peak        atomic.Int64

	done chan struct{}
	exit Exit
}

// Done is closed when the tree is gone, its output has been written to Stdout
// and Stderr, and its cgroups and mounts are removed.
func (p *Process) Done() <-chan struct{} { return p.done }

// Exit says how the tree ended. It is valid after Done.
func (p *Process) Exit() Exit { return p.exit }

// Pid is the app's process id as the machine sees it.
func (p *Process) Pid() int { return p.pid }

// Resize changes the size of the app's terminal. A tree that has ended, or that has no
// terminal, is no error.
func (p *Process) Resize(s Size) error {
	select {
	case <-p.done:
		return nil
	default:
	}
	if p.terminal == nil {
		return nil
	}
	if err := p.terminal.resize(s); err != nil && !errors.Is(err, os.ErrClosed) {
		return fmt.Errorf("sandbox: resize the terminal: %w", err)
	}
	return nil
}

// Missing lists what this process does without although the machine allows it
// in general, because of its Root; each with its reason.
func (p *Process) Missing() []string { return p.missing }

// Terminate sends SIGTERM to the app. A tree that has ended is no error.
func (p *Process) Terminate() error {
	select {
	case <-p.done:
		return nil
	default:
	}
	if err := p.init.Signal(syscall.SIGTERM); err != nil && err != os.ErrProcessDone {
		return err
	}
	return nil
}

// Kill ends the whole tree at once. A tree that has ended is no error.
func (p *Process) Kill() error {
	select {
	case <-p.done:
		return nil
	default:
	}
	var err error
	p.killed.Do(func() { err = p.kill() })
	return err
}

func (p *Process) kill() error {
	if p.namespaces {
		// Nothing outlives the first process of a PID namespace.
		if err := p.init.Kill(); err != os.ErrProcessDone {
			return err
		}
		return nil
	}
	text, err := json.Marshal(command{Kill: true})
	if err == nil {
		_ = p.control.SetWriteDeadline(time.Now().Add(time.Second))
		_, err = p.control.Write(text)
	}
	if err != nil {
		_ = p.init.Kill() // the app dies with it
	}
	return nil
}

// watch follows the tree to its end.
func (p *Process) watch() {
	stop := p.watchMemory()
	var e ended
	told := false
	for {
		var r report
		if err := p.reports.Decode(&r); err != nil {
			break
		}
		if r.Ended != nil {
			e, told = *r.Ended, true
		}
	}
	state, _ := p.init.Wait()
	stop()
	if !told {
		e.Code, e.Signal = 128+int(syscall.SIGKILL), int(syscall.SIGKILL)
		if state != nil {
			if ws, ok := state.Sys().(syscall.WaitStatus); ok && ws.Exited() {
				e.Code, e.Signal = ws.ExitStatus(), 0
			}
		}
	}
	p.exit = Exit{
		Code:        e.Code,
		Signal:      syscall.Signal(e.Signal),
		OutOfMemory: e.OutOfMemory || p.outOfMemory.Load() || p.group.kills() > 0,
		PeakMemory:  max(e.Peak, p.peak.Load(), e.MaxRSS),
	}
	p.release()
	close(p.done)
}

// watchMemory kills the tree when its cgroup is at its limit, or when the kernel
// has killed a part of it. The function that it returns ends the watch.
func (p *Process) watchMemory() (stop func()) {
	if !p.group.hasMemory() {
		return func() {}
	}
	quit, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		for {
			used, over := p.group.look()
			p.peak.Store(max(p.peak.Load(), used))
			if over {
				p.outOfMemory.Store(true)
				_ = p.Kill()
				return
			}
			next := watchInterval
			switch {
			case used > p.group.limit/2:
				next = nearInterval
			case used == 0:
				next = farInterval
			}
			select {
			case <-quit:
				return
			case <-time.After(next):
			}
		}
	}()
	return func() { close(quit); <-ended }
}

// release frees everything that a tree used, once it has ended.
func (p *Process) release() {
	p.input.close()
	p.outputs.drain()
	if p.control != nil {
		p.control.Close()
	}
	p.group.remove()
}

// abandon undoes a start that failed.
func (p *Process) abandon() {
	if p.init != nil {
		if p.control != nil {
			p.control.Close() // the init takes its tree with it
		}
		if p.namespaces {
			_ = p.init.Kill()
		}
		_, _ = p.init.Wait()
	}
	p.release()
}
