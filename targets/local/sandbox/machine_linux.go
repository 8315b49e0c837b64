package sandbox

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"runtime"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// machine is what this machine allows.
type machine struct {
	namespaces bool // mount, PID, IPC and UTS namespaces
	mapped     bool // they need a user namespace
	seccomp    bool
	loopback   bool
	cgroups    cgroups
	missing    []string
}

// thisMachine finds out once what the machine allows, by a sandbox in which
// this binary looks around. What a kernel, a container or a security module
// refuses can be found in no other way.
var thisMachine = sync.OnceValue(func() machine { return probe(os.Geteuid() == 0) })

// Describe says what isolation this machine allows. The first call starts a
// short-lived process to find out.
func Describe() Level { return thisMachine().level() }

func (m machine) level() Level {
	l := Level{
		Namespaces:    m.namespaces,
		UserNamespace: m.mapped,
		Cgroup:        m.cgroups.memory != "",
		Seccomp:       m.loopback,
		Root:          m.namespaces,
		Missing:       m.missing,
	}
	switch {
	case m.mapped:
		l.Summary = "namespaces of an ordinary user"
	case m.namespaces:
		l.Summary = "namespaces"
	default:
		l.Summary = "an ordinary process"
	}
	if l.Cgroup {
		l.Summary += ", memory limited by the kernel"
	} else {
		l.Summary += ", memory watched"
	}
	if l.Seccomp {
		l.Summary += ", listens on loopback only"
	}
	return l
}

// probeArgument makes Init act as the app of a probe.
const probeArgument = "probe"

// sight is what the probe's app sees.
type sight struct {
	PID          int
	Capabilities string
	Loopback     bool
}

// probe tries the ways to make a sandbox, the best one first.
func probe(root bool) machine {
	groups := findCgroups()
	var ways []machine
	if root {
		ways = append(ways, machine{namespaces: true})
	}
	ways = append(ways, machine{namespaces: true, mapped: true}, machine{})
	var refused error
	for _, m := range ways {
		m.cgroups = groups
		_, m.seccomp = auditArch()
		m.loopback = m.seccomp
		done, err := m.try()
		if err != nil {
			refused = cmpError(refused, err)
			continue
		}
		if !done.namespaces {
			done.missing = append(done.missing, "namespaces and a root of its own, so the app sees the machine's files and processes: "+reason(refused))
		}
		return done.withLimits()
	}
	m := machine{cgroups: groups, missing: []string{"a sandbox: " + reason(refused)}}
	return m.withLimits()
}

// cmpError keeps the first error: that of the best way.
func cmpError(first, next error) error {
	if first != nil {
		return first
	}
	return next
}

// reason is why an ordinary machine refuses namespaces, with the remedy if there is one.
func reason(err error) string {
	if err == nil {
		return "not supported"
	}
	text := strings.TrimPrefix(err.Error(), "sandbox: start \""+probeProgram+"\": ")
	if os.Geteuid() == 0 {
		return text
	}
	for _, knob := range []struct{ name, value string }{
		{"kernel.apparmor_restrict_unprivileged_userns", "1"},
		{"kernel.unprivileged_userns_clone", "0"},
		{"user.max_user_namespaces", "0"},
	} {
		value, err := os.ReadFile("/proc/sys/" + strings.ReplaceAll(knob.name, ".", "/"))
		if err == nil && strings.TrimSpace(string(value)) == knob.value {
			return fmt.Sprintf("%s (user namespaces are switched off: see sysctl %s, which is %s)", text, knob.name, knob.value)
		}
	}
	return text
}

// probeProgram is this binary, which the kernel finds from within any root.
const probeProgram = "/proc/self/exe"

// try starts a sandbox of the given kind, and takes out of it what the machine refuses.
func (m machine) try() (machine, error) {
	seen, p, err := m.look()
	if err != nil && m.loopback {
		// The filter may be what is refused.
		plain := m
		plain.seccomp, plain.loopback = false, false
		var filterErr = err
		if seen, p, err = plain.look(); err == nil {
			m = plain
			m.missing = append(m.missing, fmt.Sprintf("a filter of system calls: %v", errors.Unwrap(filterErr)))
		}
	}
	if err != nil {
		return m, err
	}
	m.missing = append(m.missing, p.missing...)
	if m.namespaces && seen.PID == 1 {
		return m, errors.New("the app has no init")
	}
	if !seen.Loopback {
		m.loopback = false
		m.missing = append(m.missing, "listening on loopback only: apps listen on all addresses: the kernel does not let the init bind for the app")
	}
	if strings.Trim(seen.Capabilities, "0") != "" {
		m.missing = append(m.missing, "an app without capabilities: it has "+seen.Capabilities)
	}
	return m, nil
}

func (m machine) look() (sight, *Process, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	var out bytes.Buffer
	s := Spec{
		Command:  []string{probeProgram, InitCommand, probeArgument},
		Env:      []string{"GOMAXPROCS=1"},
		User:     fmt.Sprintf("%d:%d", os.Geteuid(), os.Getegid()),
		Loopback: m.loopback,
		Stdout:   &out,
	}
	m.cgroups = cgroups{}
	p, err := start(ctx, s, m, true)
	if err != nil {
		return sight{}, nil, err
	}
	select {
	case <-p.Done():
	case <-ctx.Done():
		_ = p.Kill()
		<-p.Done()
		return sight{}, nil, fmt.Errorf("start %q: it does not end", probeProgram)
	}
	var seen sight
	if err := json.Unmarshal(out.Bytes(), &seen); err != nil {
		return sight{}, nil, fmt.Errorf("start %q: %v, it said %q", probeProgram, p.Exit(), out.String())
	}
	return seen, p, nil
}

// probeApp looks around from within a sandbox.
func probeApp() int {
	seen := sight{PID: os.Getpid()}
	status, _ := os.ReadFile("/proc/self/status")
	for line := range strings.Lines(string(status)) {
		if text, ok := strings.CutPrefix(line, "CapEff:"); ok {
			seen.Capabilities = strings.TrimSpace(text)
		}
	}
	if fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM, 0); err == nil {
		if unix.Bind(fd, &unix.SockaddrInet4{}) == nil {
			name, _ := unix.Getsockname(fd)
			address, ok := name.(*unix.SockaddrInet4)
			seen.Loopback = ok && address.Addr == [4]byte{127, 0, 0, 1}
		}
	}
	if err := json.NewEncoder(os.Stdout).Encode(seen); err != nil {
		return 1
	}
	return 0
}

// withLimits adds what the cgroups lack.
func (m machine) withLimits() machine {
	if m.cgroups.memory == "" {
		m.missing = append(m.missing, "a memory limit by the kernel: the memory is looked at every "+watchInterval.String()+" instead, because no memory cgroup of this machine may be divided")
	}
	if m.cgroups.cpu == "" {
		m.missing = append(m.missing, "a cpu limit: no cpu cgroup of this machine may be divided")
	}
	if m.mapped {
		m.missing = append(m.missing, "more than one user in the sandbox: an ordinary user can map only himself")
	}
	if !m.seccomp && runtime.GOARCH != "amd64" && runtime.GOARCH != "arm64" {
		m.missing = append(m.missing, "a filter of system calls: there is none for "+runtime.GOARCH)
	}
	return m
}
