package sandbox

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// Start runs the command in a sandbox and returns when the app's program has
// been executed. ctx bounds the start only: a process that runs is ended by
// Terminate or Kill, or by the end of the process that called Start.
//
// An error names the command and says what is wrong with it: that it does not
// exist, is not executable, is built for another architecture, or lacks its
// interpreter.
func Start(ctx context.Context, s Spec) (*Process, error) {
	if err := s.check(); err != nil {
		return nil, err
	}
	return start(ctx, s, thisMachine(), false)
}

func start(ctx context.Context, s Spec, m machine, probe bool) (_ *Process, err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("sandbox: start %q: %w", s.Command[0], err)
		}
	}()
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	c, err := newConfig(s, m)
	if err != nil {
		return nil, err
	}
	c.Probe = probe

	p := &Process{done: make(chan struct{}), namespaces: m.namespaces}
	defer func() {
		if err != nil {
			p.abandon()
		}
	}()
	if err := p.limit(s, m, c); err != nil {
		return nil, err
	}
	if err := p.launch(s, m, c); err != nil {
		return nil, err
	}
	if err := p.handshake(ctx, c); err != nil {
		return nil, err
	}
	go p.watch()
	return p, nil
}

func newConfig(s Spec, m machine) (*config, error) {
	c := &config{
		Command: s.Command, Dir: s.Dir, Env: s.Env,
		Root: s.Root, Mounts: s.Mounts, ReadOnly: s.ReadOnly, TmpSize: s.TmpSize,
		Hostname:   hostname(s.Name),
		Namespaces: m.namespaces, Mapped: m.mapped,
		Loopback: s.Loopback && m.loopback, Seccomp: m.seccomp,
		Input: s.Stdin != nil || s.Terminal != nil, Terminal: s.Terminal != nil,
	}
	if c.Dir == "" {
		c.Dir = "/"
	}
	if c.TmpSize == 0 {
		c.TmpSize = DefaultTmpSize
	}
	user, err := resolveUser(s.Root, s.User)
	if err != nil {
		return nil, err
	}
	c.User = user
	c.SetUser = !m.mapped && os.Geteuid() == 0
	if s.Root == "" && m.namespaces && !s.mounted(s.Command[0]) {
		tool, err := Locate(s.Command[0], s.Env)
		if err != nil {
			return nil, err
		}
		c.Command = append([]string{tool.Path}, s.Command[1:]...)
		c.Env = tool.env(s.Env)
		c.Mounts = append(tool.Mounts, s.Mounts...)
	}
	if !m.namespaces {
		c.onMachine()
	}
	return c, nil
}

// onMachine translates paths of the sandbox to paths of the machine, for a
// process that cannot have a root of its own.
func (c *config) onMachine() {
	translate := func(p string) string {
		for i := len(c.Mounts) - 1; i >= 0; i-- {
			m := c.Mounts[i]
			if p == m.Target || strings.HasPrefix(p, strings.TrimSuffix(m.Target, "/")+"/") {
				return m.Source + strings.TrimPrefix(p, strings.TrimSuffix(m.Target, "/"))
			}
		}
		return c.Root + p
	}
	c.Dir = translate(c.Dir)
	if strings.HasPrefix(c.Command[0], "/") {
		c.Command = append([]string{translate(c.Command[0])}, c.Command[1:]...)
	}
}

// limit makes the cgroup, or tells the init to watch the memory.
func (p *Process) limit(s Spec, m machine, c *config) error {
	if s.Memory == 0 && s.CPU == 0 {
		return nil
	}
	inMemory := int64(0)
	if m.namespaces {
		inMemory = c.TmpSize + shmSize
		if s.Root != "" && !s.ReadOnly {
			inMemory += layerSize
		}
	}
	group, err := m.cgroups.create(s.Name, s.Memory, inMemory, s.CPU)
	if err != nil {
		return err
	}
	p.group = group
	if s.Memory > 0 && !group.hasMemory() {
		c.Watch = s.Memory
	}
	return nil
}

// launch starts the init and gives it its end of the control sockets.
func (p *Process) launch(s Spec, m machine, c *config) error {
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("control sockets: %w", err)
	}
	theirs := os.NewFile(uintptr(pair[1]), "control")
	defer theirs.Close()
	if p.control, err = newControl(pair[0]); err != nil {
		return err
	}
	p.reports = json.NewDecoder(p.control)

	null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	defer null.Close()
	files := []*os.File{null, null, null, theirs}
	if err := p.connect(s, files); err != nil {
		return err
	}
	defer p.outputs.closeWriters()
	defer p.input.closeReader()

	group, err := p.group.files()
	if err != nil {
		return err
	}
	defer closeAll(group)
	for i := range group {
		c.Cgroup = append(c.Cgroup, controlFD+1+i)
	}
	c.CgroupV2 = p.group.isV2()
	files = append(files, group...)

	// The link to the own binary works also after an upgrade has replaced the file.
	p.init, err = os.StartProcess("/proc/self/exe", []string{"twofold", InitCommand}, &os.ProcAttr{
		Dir:   "/",
		Env:   []string{"GOMAXPROCS=1", "GOGC=50"},
		Files: files,
		Sys:   m.attributes(c.User),
	})
	if err != nil {
		return fmt.Errorf("start the init: %w", err)
	}
	p.outputs.copy()
	if p.input != nil {
		go p.input.copy()
	}
	return nil
}

// connect makes what the app reads and prints, and puts its ends into the first three
// places of its files.
func (p *Process) connect(s Spec, files []*os.File) (err error) {
	if s.Terminal != nil {
		if p.terminal, err = newTerminal(*s.Terminal); err != nil {
			return fmt.Errorf("make a terminal: %w", err)
		}
		p.outputs = newScreen(p.terminal, s.Stdout)
		files[0] = p.terminal.theirs
	} else if p.outputs, err = newOutputs(s.Stdout, s.Stderr); err != nil {
		return err
	}
	if p.input, err = newInput(s.Stdin, p.terminal); err != nil {
		return err
	}
	if p.input != nil && p.input.read != nil {
		files[0] = p.input.read
	}
	p.outputs.assign(files)
	return nil
}

// handshake sends the config and waits for the app to run.
func (p *Process) handshake(ctx context.Context, c *config) error {
	stop := context.AfterFunc(ctx, func() { _ = p.control.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	text, err := json.Marshal(c)
	if err != nil {
		return err
	}
	// The init reads all of it before it does anything, so a failure to write
	// is one to start; the report that may follow says more.
	_, writeErr := p.control.Write(text)
	var r report
	err = p.reports.Decode(&r)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	switch {
	case err != nil:
		return fmt.Errorf("the init ended early: %w", errors.Join(writeErr, err))
	case r.Failed != nil:
		return &startError{*r.Failed}
	case r.Started == nil:
		return errors.New("the init sent no answer")
	}
	p.missing = r.Started.Missing
	p.pid = p.init.Pid
	if pid, ok := p.control.appPid(); ok {
		p.pid = pid
	}
	if !stop() {
		return ctx.Err()
	}
	return nil
}

// startError is a failure that the init reported.
type startError struct{ failure }

func (e *startError) Error() string { return e.Text }

// attributes are the init's namespaces.
func (m machine) attributes(user identity) *syscall.SysProcAttr {
	a := &syscall.SysProcAttr{Setsid: true}
	if !m.namespaces {
		return a
	}
	a.Cloneflags = unix.CLONE_NEWNS | unix.CLONE_NEWPID | unix.CLONE_NEWIPC | unix.CLONE_NEWUTS
	if m.mapped {
		a.Cloneflags |= unix.CLONE_NEWUSER
		a.UidMappings = []syscall.SysProcIDMap{{ContainerID: user.UID, HostID: os.Geteuid(), Size: 1}}
		a.GidMappings = []syscall.SysProcIDMap{{ContainerID: user.GID, HostID: os.Getegid(), Size: 1}}
		// An id other than 0 keeps its capabilities over the exec as ambient ones only.
		for c := uintptr(0); c <= unix.CAP_LAST_CAP; c++ {
			a.AmbientCaps = append(a.AmbientCaps, c)
		}
	}
	return a
}

// hostname makes a legal host name of a name.
func hostname(name string) string {
	keep := func(r rune) rune {
		if r == '-' || r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' {
			return r
		}
		return '-'
	}
	name = strings.Trim(strings.Map(keep, name), "-")
	if len(name) > 63 {
		name = strings.TrimRight(name[:63], "-")
	}
	if name == "" {
		return "sandbox"
	}
	return name
}
