package engine

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/docker/cli/cli/connhelper/commandconn"
	"github.com/docker/cli/cli/connhelper/ssh"
	"golang.org/x/term"
)

// login is a host that ssh lets this user in at. Each connection to the engine is a run
// of the ssh command, as with the docker command; they share one connection to the
// host, which is made and let in once.
type login struct {
	spec *ssh.Spec
	// flags are those of each run of ssh.
	flags []string
	// dir is a folder of the login's own, which holds the socket of the shared
	// connection, or "" if there is none.
	dir string
}

// dialCommand connects its input and output to the engine of its machine. It is the one
// that the docker command runs, so that a key may be limited to it.
var dialCommand = []string{"docker", "system", "dial-stdio"}

// logIn makes the connection to a host that the others share, unless the user's
// configuration shares one already. Where nobody sits at a terminal, ssh asks nothing.
func logIn(ctx context.Context, address string) (*login, error) {
	spec, err := ssh.ParseURL(address)
	if err != nil {
		return nil, err
	}
	if spec.Args() == nil {
		return nil, errors.New("it is no host that ssh reaches")
	}
	// The connection may take 10 seconds, and one to a host that is silent for 45
	// seconds ends.
	l := &login{spec: spec, flags: []string{"-T", "-o", "ConnectTimeout=10", "-o", "ServerAliveInterval=15"}}
	if !term.IsTerminal(int(os.Stdin.Fd())) {
		l.flags = append(l.flags, "-o", "BatchMode=yes")
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, answerLimit)
		defer cancel()
	}
	if runtime.GOOS == "windows" { // whose ssh shares no connections
		return l, nil
	}
	if sharing, err := l.sharedByUser(ctx); sharing || err != nil {
		return l, err
	}
	if err := l.share(ctx); err != nil {
		l.end()
		return nil, err
	}
	return l, nil
}

// sharedByUser reports whether the user's configuration shares connections to the host.
func (l *login) sharedByUser(ctx context.Context) (bool, error) {
	out, err := exec.CommandContext(ctx, "ssh", l.arguments([]string{"-G"})...).Output()
	if errors.Is(err, exec.ErrNotFound) {
		return false, fmt.Errorf("there is no ssh command on this machine: install OpenSSH's client (openssh-client)")
	}
	if err != nil {
		return false, l.problem(err)
	}
	for line := range strings.Lines(string(out)) {
		if path, has := strings.CutPrefix(line, "controlpath "); has {
			return strings.TrimSpace(path) != "none", nil
		}
	}
	return false, nil
}

// share makes the connection. The ssh that does it goes to the background when it is
// let in; it is ended with the login, and ends itself a minute after the last
// connection if this process is killed.
func (l *login) share(ctx context.Context) (err error) {
	// The path of a socket is short, and ssh adds 17 characters for a moment.
	if l.dir, err = os.MkdirTemp("", "ssh-"); err != nil {
		return err
	}
	// A file, for the ssh in the background would keep a pipe open.
	stderr, err := os.Create(filepath.Join(l.dir, "stderr"))
	if err != nil {
		return err
	}
	defer stderr.Close()
	l.flags = append(l.flags, "-o", "ControlPath="+filepath.Join(l.dir, "s"))
	cmd := exec.CommandContext(ctx, "ssh", l.arguments([]string{"-o", "ControlMaster=yes", "-o", "ControlPersist=60", "-N"})...)
	cmd.Stderr = stderr
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = time.Second
	if err := cmd.Run(); err != nil {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		said, _ := os.ReadFile(stderr.Name())
		return l.failure(cmd.ProcessState.ExitCode(), string(said))
	}
	// What was asked to be let in is not asked again.
	l.flags = append(l.flags, "-o", "ControlMaster=no", "-o", "BatchMode=yes")
	return nil
}

// arguments are those of a run of ssh with more flags and a command for the host.
func (l *login) arguments(more []string, command ...string) []string {
	return slices.Concat(l.flags, more, l.spec.Args(command...))
}

// dial returns a connection to the engine.
func (l *login) dial() (net.Conn, error) {
	return commandconn.New(context.Background(), "ssh", l.arguments(nil, dialCommand...)...)
}

// end closes the shared connection.
func (l *login) end() {
	if l.dir == "" {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	// An error says that there is no connection any more, or not yet.
	exec.CommandContext(ctx, "ssh", l.arguments([]string{"-O", "exit"})...).Run()
	os.RemoveAll(l.dir)
}
