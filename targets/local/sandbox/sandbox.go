// Package sandbox runs one process, an app of an unpacked image or of a
// function bundle, isolated as well as the machine allows.
//
// On Linux that is: its own mount, PID, IPC and UTS namespaces (and a user
// namespace when twofold does not run as root), a root of its own, no
// capabilities, no way to gain any, a memory limit, and listening sockets that
// are bound to loopback only. The network is the machine's, because apps call
// out. What a machine refuses is left out; Describe lists it.
//
// Start executes the running binary once more with InitCommand as its first
// argument. That process, the init, builds the sandbox from within, starts the
// app and stays with it as PID 1. So the main function of each binary that
// imports this package begins with
//
//	if len(os.Args) > 1 && os.Args[1] == sandbox.InitCommand {
//		os.Exit(sandbox.Init())
//	}
//
// The sandbox protects a developer's machine from the mistakes of an app. It
// is no boundary against hostile code: the kernel and the network are shared.
package sandbox

import (
	"errors"
	"fmt"
	"io"
	"path"
	"strings"
	"syscall"
)

// InitCommand is the first argument of the binary that Start executes.
const InitCommand = "sandbox-init"

// DefaultTmpSize is the size of /tmp in bytes when Spec.TmpSize is 0.
const DefaultTmpSize = 512 << 20

// Spec says what to run. The zero value of each field but Command works.
type Spec struct {
	// Root is the folder that becomes "/", or "" for a read-only view of the
	// machine's own system folders (/usr, /etc, /opt and their like; nothing of
	// /home or /root). Root itself is never changed: what the app writes is kept
	// in memory and gone when it ends, so several processes may share one Root.
	Root string
	// Mounts are laid over the root in the order given. A missing mount point is made.
	Mounts []Mount
	// ReadOnly makes the root itself read-only. Mounts and /tmp are not affected.
	ReadOnly bool
	// TmpSize is the size in bytes of the fresh file system on /tmp; 0 means DefaultTmpSize.
	TmpSize int64
	// Command is the program and its arguments. A program without a slash is
	// looked up in the PATH of Env; a relative one with a slash starts at Dir.
	Command []string
	// Dir is the working directory inside the root; "" means "/".
	Dir string
	// Env is the complete environment.
	Env []string
	// User is "uid", "uid:gid", or a user name of Root's /etc/passwd with an
	// optional ":group". Empty means root of the sandbox when Root is set, as
	// an image without USER has it, and 65532:65532 when it is not. An ordinary
	// user who starts the sandbox has all files of the app himself, whatever
	// number the app sees.
	User string
	// Memory is the limit in bytes of the whole process tree, 0 for none. Files
	// on /tmp do not count.
	Memory int64
	// CPU is the limit in thousandths of a core, 0 for none.
	CPU int64
	// Loopback binds TCP and UDP sockets of the app to loopback whatever address
	// it asks for. A UDP socket without a port is left alone, because that is
	// how a client begins; a TCP socket that is bound before it connects can
	// reach loopback only.
	Loopback bool
	// Stdin is what the app reads, to its end; nil is nothing. A read may still wait
	// when the app has ended.
	Stdin io.Reader
	// Terminal gives the app a terminal of this size, whose keys are Stdin and whose
	// screen is Stdout; nil gives it none.
	Terminal *Size
	// Stdout and Stderr receive the output; nil discards it. Both may be the
	// same writer. A write that blocks holds back the app and Done.
	Stdout, Stderr io.Writer
	// Name is used in host names and cgroups. Names need not be unique.
	Name string
}

// Size is the size of a terminal in characters.
type Size struct{ Columns, Rows uint16 }

// Mount shows a file or folder of the machine inside the root.
type Mount struct {
	Source, Target string
	ReadOnly       bool
}

// Exit is how the process tree ended.
type Exit struct {
	// Code is the app's exit code, or 128 + Signal.
	Code int
	// Signal is what ended the app, or 0.
	Signal syscall.Signal
	// OutOfMemory says that the tree was killed at Spec.Memory.
	OutOfMemory bool
	// PeakMemory is the most memory in bytes that the tree was seen to hold, or
	// that one process of it held, program files included, if that was more; 0
	// if not known.
	PeakMemory int64
}

// String says how the tree ended, such as "exit code 3".
func (e Exit) String() string {
	switch {
	case e.OutOfMemory:
		return "killed at its memory limit"
	case e.Signal != 0:
		return "ended by signal " + e.Signal.String()
	}
	return fmt.Sprintf("exit code %d", e.Code)
}

// Level is the isolation that this machine allows.
type Level struct {
	// Summary is one line for a user.
	Summary string `json:"summary"`
	// Namespaces: the app has its own mounts, processes, IPC and host name.
	Namespaces bool `json:"namespaces"`
	// UserNamespace: they were made by an ordinary user.
	UserNamespace bool `json:"userNamespace"`
	// Cgroup: the kernel enforces the memory limit.
	Cgroup bool `json:"cgroup"`
	// Seccomp: listening sockets can be kept on loopback, dangerous calls are refused.
	Seccomp bool `json:"seccomp"`
	// Root: the app has a root of its own, and sees no other file.
	Root bool `json:"root"`
	// Missing lists what the machine refused, each with its reason.
	Missing []string `json:"missing,omitempty"`
}

func (s *Spec) check() error {
	if len(s.Command) == 0 || s.Command[0] == "" {
		return errors.New("sandbox: start: the command is empty")
	}
	if s.Dir != "" && !path.IsAbs(s.Dir) {
		return fmt.Errorf("sandbox: start %q: the working directory %q is not absolute", s.Command[0], s.Dir)
	}
	for _, m := range s.Mounts {
		if !path.IsAbs(m.Target) || path.Clean(m.Target) == "/" {
			return fmt.Errorf("sandbox: start %q: the mount point %q must be an absolute path below /", s.Command[0], m.Target)
		}
	}
	if s.TmpSize < 0 || s.Memory < 0 || s.CPU < 0 {
		return fmt.Errorf("sandbox: start %q: a limit is negative", s.Command[0])
	}
	for _, text := range append(append([]string{s.Dir}, s.Command...), s.Env...) {
		if strings.ContainsRune(text, 0) {
			return fmt.Errorf("sandbox: start %q: command, folder or environment hold a zero byte", s.Command[0])
		}
	}
	return nil
}

// mounted tells whether a path of the sandbox lies in a mount.
func (s *Spec) mounted(name string) bool {
	for _, m := range s.Mounts {
		target := path.Clean(m.Target)
		if name == target || strings.HasPrefix(name, target+"/") {
			return true
		}
	}
	return false
}

// lookupEnv returns the value of the last entry for the name.
func lookupEnv(env []string, name string) (string, bool) {
	for i := len(env) - 1; i >= 0; i-- {
		if key, value, ok := strings.Cut(env[i], "="); ok && key == name {
			return value, true
		}
	}
	return "", false
}
