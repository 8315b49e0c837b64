package sandbox

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"strconv"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"
)

// Init is the entry of the binary that Start executes. It builds the sandbox
// around itself, starts the app in it, and stays until the app has ended. It
// returns the exit code of the process.
func Init() int {
	if len(os.Args) > 2 && os.Args[2] == probeArgument {
		return probeApp()
	}
	i := &initProcess{control: os.NewFile(controlFD, "control")}
	commands := json.NewDecoder(i.control)
	if err := commands.Decode(&i.config); err != nil {
		fmt.Fprintln(os.Stderr, "twofold: "+InitCommand+" is started by twofold itself only")
		return 2
	}
	tidyFiles(i.config.Cgroup)
	if !i.config.Namespaces {
		// Processes that lose their parent become children of the init.
		_ = unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
	}
	go i.obey(commands)
	return i.run()
}

type initProcess struct {
	config  config
	control *os.File
	sending sync.Mutex
	missing []string

	mu          sync.Mutex
	app         int  // process id, 0 until it runs
	ending      bool // the tree is to be killed
	outOfMemory bool
	peak        int64
}

func (i *initProcess) run() int {
	if err := i.enter(); err != nil {
		return i.fail(&failure{Text: err.Error(), Sandbox: true})
	}
	terminate := make(chan os.Signal, 1)
	signal.Notify(terminate, syscall.SIGTERM)
	// What nohup or a shell in the background made the local host ignore, the app
	// would ignore too. A signal that is handled here is a default one there.
	signal.Notify(make(chan os.Signal, 1), syscall.SIGHUP, syscall.SIGINT, syscall.SIGQUIT)
	if failed := i.startApp(); failed != nil {
		return i.fail(failed)
	}
	go func() {
		for range terminate {
			_ = syscall.Kill(i.app, syscall.SIGTERM)
		}
	}()
	if i.config.Watch > 0 {
		go i.watchMemory()
	}
	return i.reap()
}

// enter builds the sandbox that the app will share with the init.
func (i *initProcess) enter() error {
	unix.Umask(0)
	if i.config.Namespaces && os.Getpid() != 1 {
		// What follows would change, and kill, what belongs to the machine.
		return errors.New("the init has no PID namespace of its own")
	}
	if i.config.Namespaces {
		if err := unix.Sethostname([]byte(i.config.Hostname)); err != nil {
			return fmt.Errorf("set the host name: %w", err)
		}
		missing, err := enterRoot(&i.config)
		if err != nil {
			return err
		}
		i.missing = append(i.missing, missing...)
	}
	unix.Umask(0o022)
	return nil
}

// obey carries out what Start's side asks, until that side is gone.
func (i *initProcess) obey(commands *json.Decoder) {
	for {
		var c command
		if err := commands.Decode(&c); err != nil || c.Kill {
			break
		}
	}
	if i.config.Namespaces {
		os.Exit(128 + int(syscall.SIGKILL)) // takes all others with it
	}
	// Without namespaces reap returns when the last process is gone.
	i.mu.Lock()
	i.ending = true
	i.mu.Unlock()
	i.killTree()
}

// reap collects processes that end, until the app does; it reports how that
// was, and ends the rest of the tree.
func (i *initProcess) reap() int {
	var ws syscall.WaitStatus
	var used syscall.Rusage
	for {
		pid, err := syscall.Wait4(-1, &ws, 0, &used)
		if err == syscall.EINTR {
			continue
		}
		if err != nil {
			return i.fail(&failure{Text: "wait for the app: " + err.Error()})
		}
		if pid == i.app {
			break
		}
	}
	e := ended{Code: ws.ExitStatus(), MaxRSS: used.Maxrss * 1024}
	if ws.Signaled() {
		e.Code, e.Signal = 128+int(ws.Signal()), int(ws.Signal())
	}
	i.killTree()
	if !i.config.Namespaces {
		i.reapRest()
	}
	i.mu.Lock()
	e.OutOfMemory, e.Peak = i.outOfMemory, i.peak
	i.mu.Unlock()
	i.send(report{Ended: &e}, -1)
	return e.Code
}

// reapRest waits for the descendants that were killed, and kills what they may
// have started meanwhile.
func (i *initProcess) reapRest() {
	for {
		pid, err := syscall.Wait4(-1, nil, 0, nil)
		if err == syscall.EINTR {
			continue
		}
		if err != nil || pid <= 0 {
			return
		}
		i.killTree()
	}
}

// killTree kills every process but the init itself.
func (i *initProcess) killTree() {
	// Outside of a PID namespace of its own this would end all of the machine's
	// processes, so the process id is asked, not only the config.
	if os.Getpid() == 1 {
		_ = syscall.Kill(-1, syscall.SIGKILL)
		return
	}
	for _, p := range descendants(os.Getpid()) {
		_ = syscall.Kill(p.pid, syscall.SIGKILL)
	}
}

func (i *initProcess) fail(f *failure) int {
	i.send(report{Failed: f}, -1)
	return 1
}

// send writes a report, with a file descriptor unless it is -1.
func (i *initProcess) send(r report, fd int) {
	text, err := json.Marshal(r)
	if err != nil {
		return
	}
	i.sending.Lock()
	defer i.sending.Unlock()
	var rights []byte
	if fd >= 0 {
		rights = unix.UnixRights(fd)
	}
	_ = unix.Sendmsg(int(i.control.Fd()), text, rights, nil, unix.MSG_NOSIGNAL)
}

// tidyFiles closes what Start did not mean to hand down: a file that the
// process which called Start had inherited itself, such as the end of a pipe that
// somebody waits for. It keeps the app from inheriting the rest.
func tidyFiles(wanted []int) {
	unix.CloseOnExec(controlFD)
	for _, fd := range wanted {
		unix.CloseOnExec(fd)
	}
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		_ = unix.CloseRange(controlFD, ^uint(0), unix.CLOSE_RANGE_CLOEXEC)
		return
	}
	for _, e := range entries {
		fd, err := strconv.Atoi(e.Name())
		if err != nil || fd <= controlFD {
			continue
		}
		// All files of this process itself are closed on exec.
		flags, err := unix.FcntlInt(uintptr(fd), unix.F_GETFD, 0)
		if err == nil && flags&unix.FD_CLOEXEC == 0 {
			unix.Close(fd)
		}
	}
}
