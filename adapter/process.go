//go:build linux

package main

import (
	"errors"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"unsafe"
)

// process is one run of the app.
type process struct {
	pid    int
	output *output
	// done is closed when the process has ended; status is valid then.
	done   chan struct{}
	status syscall.WaitStatus
	// ready is set once the health path has answered.
	ready atomic.Bool

	// mu guards reaped, after which pid may be another process's.
	mu     sync.Mutex
	reaped bool
}

// startProcess starts the app in a process group of its own, with the adapter's
// stdin.
func startProcess(s *settings) (*process, error) {
	path, err := findCommand(s)
	if err != nil {
		return nil, err
	}
	out, write, err := newOutput()
	if err != nil {
		return nil, err
	}
	p := &process{output: out, done: make(chan struct{})}
	started := make(chan error)
	go func() {
		// The kernel ends the app when this thread ends, so the goroutine keeps
		// the thread to itself until the app has ended.
		runtime.LockOSThread()
		var err error
		p.pid, err = syscall.ForkExec(path, append([]string{path}, s.command[1:]...), &syscall.ProcAttr{
			Dir:   s.dir,
			Env:   s.env,
			Files: []uintptr{0, uintptr(write[0]), uintptr(write[1])},
			Sys:   &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL},
		})
		_ = syscall.Close(write[0])
		_ = syscall.Close(write[1])
		started <- err
		if err == nil {
			p.wait()
		}
	}()
	err = <-started
	go out.run()
	if err != nil {
		return nil, errors.New(explainStart(err))
	}
	return p, nil
}

// wait waits for the app's end. What the app itself started ends with it, as it
// does in a container.
func (p *process) wait() {
	const (
		byPID   = 1         // P_PID
		exited  = 4         // WEXITED
		noReap  = 0x1000000 // WNOWAIT
		unused  = 0
		maxInfo = 128 // bytes of a siginfo_t
	)
	var info [maxInfo]byte
	for {
		_, _, e := syscall.Syscall6(syscall.SYS_WAITID, byPID, uintptr(p.pid), uintptr(unsafe.Pointer(&info)), exited|noReap, unused, unused)
		if e != syscall.EINTR {
			break
		}
	}
	// Until the process is reaped its id, and so its group's, belongs to nobody else.
	p.mu.Lock()
	_ = syscall.Kill(-p.pid, syscall.SIGKILL)
	for {
		_, err := syscall.Wait4(p.pid, &p.status, 0, nil)
		if err != syscall.EINTR {
			break
		}
	}
	p.reaped = true
	p.mu.Unlock()
	close(p.done)
}

// killGroup kills the app and what it started, if it has not ended.
func (p *process) killGroup() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.reaped {
		_ = syscall.Kill(-p.pid, syscall.SIGKILL)
	}
}

// terminate sends SIGTERM to the app, if it has not ended.
func (p *process) terminate() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.reaped {
		_ = syscall.Kill(p.pid, syscall.SIGTERM)
	}
}

// ended reports whether the process has ended.
func (p *process) ended() bool {
	select {
	case <-p.done:
		return true
	default:
		return false
	}
}

// end says how the process ended, as the end of a sentence.
func (p *process) end() string {
	switch s := p.status; {
	case s.Signaled() && s.Signal() == syscall.SIGKILL:
		return "was killed (signal 9), as the platform does when memory runs out"
	case s.Signaled():
		return "was ended by signal " + strconv.Itoa(int(s.Signal())) + " (" + s.Signal().String() + ")"
	default:
		return "exited with status " + strconv.Itoa(s.ExitStatus())
	}
}

// exitCode is the status that a shell would report.
func (p *process) exitCode() int {
	if p.status.Signaled() {
		return 128 + int(p.status.Signal())
	}
	return p.status.ExitStatus()
}

// findCommand returns the absolute path of the command's first word: a word with
// a slash is a file of the app tree, any other is looked up in the app's PATH.
func findCommand(s *settings) (string, error) {
	word := s.command[0]
	if filepath.IsAbs(word) {
		return word, nil
	}
	if strings.Contains(word, "/") {
		return filepath.Join(s.dir, word), nil
	}
	path := environment(s.env).get("PATH")
	if path == "" {
		path = "/usr/local/bin:/usr/bin:/bin"
	}
	for _, dir := range strings.Split(path, ":") {
		if !filepath.IsAbs(dir) {
			dir = filepath.Join(s.dir, dir)
		}
		file := filepath.Join(dir, word)
		var st syscall.Stat_t
		if syscall.Stat(file, &st) == nil && st.Mode&syscall.S_IFMT == syscall.S_IFREG && st.Mode&0o111 != 0 {
			return file, nil
		}
	}
	return "", errors.New("it is not in PATH (" + path + "): the function's runtime must have it, or the bundle must hold it and name it \"./" + word + "\"")
}

// explainStart says what mends a command that cannot be started.
func explainStart(err error) string {
	switch err {
	case syscall.ENOENT:
		return "no such file, or the interpreter or loader it names is missing on this platform"
	case syscall.EACCES:
		return "permission denied: the file is not executable"
	case syscall.ENOEXEC:
		return "the file is not a program for linux/" + runtime.GOARCH + ": build it for the function's architecture"
	}
	return err.Error()
}
