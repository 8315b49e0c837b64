package sandbox

import (
	"fmt"
	"runtime"
	"syscall"

	"golang.org/x/sys/unix"
)

// startApp starts the app and reports it.
//
// What the app must not have (capabilities, ways to gain them, system calls) is
// given up by the one thread that forks it, because a child inherits these from
// the thread and not from the process. The init keeps them. That thread lives
// on and does nothing else, because the app is killed when it ends.
func (i *initProcess) startApp() *failure {
	path, f := findProgram(&i.config)
	if f != nil {
		return f
	}
	result := make(chan forked)
	go func() {
		runtime.LockOSThread()
		result <- i.fork(path)
		select {}
	}()
	r := <-result
	if r.failed != nil {
		return r.failed
	}
	i.mu.Lock()
	i.app = r.pid
	ending := i.ending
	i.mu.Unlock()
	if ending {
		i.killTree() // whoever asked for it saw no app yet
	}
	if r.listener.fd >= 0 {
		go answerBinds(r.listener)
	}
	pidfd, err := unix.PidfdOpen(r.pid, 0)
	if err != nil {
		pidfd = -1
	}
	i.send(report{Started: &started{Missing: i.missing}}, pidfd)
	if pidfd >= 0 {
		unix.Close(pidfd)
	}
	return nil
}

// forked is what became of a fork.
type forked struct {
	pid      int
	listener filterListener
	failed   *failure
}

func (i *initProcess) fork(path string) forked {
	c := &i.config
	broken := func(err error) forked {
		return forked{failed: &failure{Text: err.Error(), Sandbox: true}}
	}
	sys := &syscall.SysProcAttr{Setsid: true, Pdeathsig: syscall.SIGKILL}
	sys.Setctty = c.Terminal // of file 0
	if err := joinCgroups(c, sys); err != nil {
		return broken(err)
	}
	if c.SetUser {
		groups := []uint32{}
		for _, g := range c.User.Groups {
			groups = append(groups, uint32(g))
		}
		sys.Credential = &syscall.Credential{Uid: uint32(c.User.UID), Gid: uint32(c.User.GID), Groups: groups}
		for fd := c.firstOwn(); fd <= 2; fd++ {
			_ = unix.Fchown(fd, c.User.UID, c.User.GID) // so that the app can open /dev/stdout
		}
	}
	if err := limitResources(); err != nil {
		return broken(err)
	}
	if err := giveUpPrivileges(); err != nil {
		return broken(err)
	}
	if err := scopeSockets(); err != nil {
		i.missing = append(i.missing, fmt.Sprintf("abstract UNIX sockets of the machine out of reach: %v", err))
	}
	listener, err := installFilter(c.Seccomp, c.Loopback)
	if err != nil {
		return broken(err)
	}
	pid, err := syscall.ForkExec(path, c.Command, &syscall.ProcAttr{
		Dir: c.Dir, Env: c.Env, Files: []uintptr{0, 1, 2}, Sys: sys,
	})
	if err != nil {
		return forked{failed: explain(c, path, err)}
	}
	return forked{pid: pid, listener: listener}
}

// firstOwn is the first of the app's files that is its alone: where it reads nothing,
// file 0 is the machine's /dev/null.
func (c *config) firstOwn() int {
	if c.Input {
		return 0
	}
	return 1
}

// joinCgroups makes the app start inside of its cgroups. The init stays
// outside, so that the kernel never picks it when memory is short.
func joinCgroups(c *config, sys *syscall.SysProcAttr) error {
	for _, fd := range c.Cgroup {
		if c.CgroupV2 {
			sys.UseCgroupFD, sys.CgroupFD = true, fd
			continue
		}
		// The calling thread, and so its child.
		if _, err := unix.Write(fd, []byte("0")); err != nil {
			return fmt.Errorf("join the cgroup: %w", err)
		}
	}
	return nil
}

// filesMax is how many files the app may open, where the machine allows as many.
const filesMax = 65536

// limitResources sets the app's resource limits. The Go runtime raises the
// limit of open files for its own process and would give the app the old one.
func limitResources() error {
	var files syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &files); err != nil {
		return fmt.Errorf("limit of open files: %w", err)
	}
	files.Max = min(files.Max, filesMax)
	files.Cur = files.Max
	if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &files); err != nil {
		return fmt.Errorf("limit of open files: %w", err)
	}
	if err := syscall.Setrlimit(syscall.RLIMIT_CORE, &syscall.Rlimit{}); err != nil {
		return fmt.Errorf("limit of core files: %w", err)
	}
	return nil
}

// giveUpPrivileges makes the calling thread's children unable to hold or gain
// any capability once they have executed a program. The thread itself keeps
// what it needs to change the user.
func giveUpPrivileges() error {
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return fmt.Errorf("set no_new_privs: %w", err)
	}
	_ = unix.Prctl(unix.PR_CAP_AMBIENT, unix.PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0)
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var data [2]unix.CapUserData
	if err := unix.Capget(&header, &data[0]); err != nil {
		return fmt.Errorf("read the capabilities: %w", err)
	}
	for c := uintptr(0); ; c++ {
		err := unix.Prctl(unix.PR_CAPBSET_DROP, c, 0, 0, 0)
		if err == unix.EINVAL {
			break // the kernel knows no such capability
		}
		if err != nil && data[0].Permitted|data[1].Permitted != 0 {
			return fmt.Errorf("drop capability %d: %w", c, err)
		}
		if err != nil {
			break // an ordinary process, which has none to lose
		}
	}
	data[0].Inheritable, data[1].Inheritable = 0, 0
	if err := unix.Capset(&header, &data[0]); err != nil {
		return fmt.Errorf("drop the inheritable capabilities: %w", err)
	}
	return nil
}
