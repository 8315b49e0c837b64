package e2e

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/creack/pty"
	"golang.org/x/sys/unix"
)

// keyboard is a terminal that a test types on and looks at.
type keyboard struct {
	*os.File
	mu      sync.Mutex
	shown   bytes.Buffer
	changed chan struct{}
}

func (k *keyboard) watch() {
	buffer := make([]byte, 4<<10)
	for {
		n, err := k.Read(buffer)
		k.mu.Lock()
		k.shown.Write(buffer[:n])
		k.mu.Unlock()
		select {
		case k.changed <- struct{}{}:
		default:
		}
		if err != nil {
			return
		}
	}
}

// shows waits until the terminal has shown a text.
func (k *keyboard) shows(t *testing.T, ctx context.Context, want string) {
	t.Helper()
	for {
		text := k.text()
		if strings.Contains(text, want) {
			return
		}
		select {
		case <-k.changed:
		case <-ctx.Done():
			t.Fatalf("the terminal does not show %q, but %q", want, text)
		}
	}
}

func (k *keyboard) types(t *testing.T, keys string) {
	t.Helper()
	if _, err := k.WriteString(keys); err != nil {
		t.Fatal(err)
	}
}

// A person at a terminal has a shell beside what runs: Ctrl-C goes to its commands, it
// follows the window, and the terminal is as it was after each way out.
func TestAShellInADeploymentHasTheTerminal(t *testing.T) {
	dir := t.TempDir()
	env := append(os.Environ(), "TWOFOLD_STATE_DIR="+filepath.Join(dir, "state"), "TERM=xterm", "NO_COLOR=1")
	twofold := func(args ...string) *exec.Cmd {
		c := exec.CommandContext(t.Context(), filepath.Join(binary, "twofold"), args...)
		c.Dir, c.Env = dir, env
		return c
	}
	for _, args := range [][]string{{"init"}, {"deploy", "--to", "local.function"}} {
		if out, err := twofold(args...).CombinedOutput(); err != nil {
			t.Fatalf("twofold %s: %v\n%s", strings.Join(args, " "), err, out)
		}
	}
	t.Cleanup(func() {
		destroy := exec.Command(filepath.Join(binary, "twofold"), "destroy", "--yes")
		destroy.Dir, destroy.Env = dir, env
		if out, err := destroy.CombinedOutput(); err != nil {
			t.Errorf("destroy: %v\n%s", err, out)
		}
	})
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	shell := []string{"exec", "api", "--", "sh", "-c", `trap 'echo "interrupted at $(stty size)"' INT; echo "has $TERM at $(stty size)"; while :; do read line || continue; echo "got $line"; test "$line" = leave && exit 9; done`}

	ours, theirs, err := pty.Open()
	if err != nil {
		t.Fatal(err)
	}
	defer ours.Close()
	defer theirs.Close()
	if err := pty.Setsize(ours, &pty.Winsize{Rows: 33, Cols: 91}); err != nil {
		t.Fatal(err)
	}
	k := &keyboard{File: ours, changed: make(chan struct{}, 1)}
	go k.watch()
	before, err := unix.IoctlGetTermios(int(theirs.Fd()), unix.TCGETS)
	if err != nil {
		t.Fatal(err)
	}
	start := func() *exec.Cmd {
		c := twofold(shell...)
		c.Stdin, c.Stdout, c.Stderr = theirs, theirs, theirs
		c.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
		if err := c.Start(); err != nil {
			t.Fatal(err)
		}
		return c
	}
	ended := func(c *exec.Cmd, code int) {
		t.Helper()
		err := c.Wait()
		var exit *exec.ExitError
		if !errors.As(err, &exit) || exit.ExitCode() != code {
			t.Errorf("twofold ended with %v, want status %d", err, code)
		}
		after, err := unix.IoctlGetTermios(int(theirs.Fd()), unix.TCGETS)
		if err != nil || *after != *before {
			t.Errorf("the terminal is %+v (%v), and was %+v", after, err, before)
		}
	}

	c := start()
	k.shows(t, ctx, "has xterm at 33 91")
	k.types(t, "a word\r")
	k.shows(t, ctx, "got a word")
	if err := pty.Setsize(ours, &pty.Winsize{Rows: 40, Cols: 100}); err != nil {
		t.Fatal(err)
	}
	// The new size needs a moment to come through, and each Ctrl-C shows what it is.
	for ctx.Err() == nil && !strings.Contains(k.text(), "interrupted at 40 100") {
		k.types(t, "\x03")
		select {
		case <-k.changed:
		case <-ctx.Done():
		}
	}
	k.shows(t, ctx, "interrupted at 40 100")
	k.types(t, "leave\r")
	ended(c, 9)

	k.clear()
	c = start()
	k.shows(t, ctx, "has xterm at 40 100")
	if err := c.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	ended(c, 1)
}

func (k *keyboard) text() string {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.shown.String()
}

func (k *keyboard) clear() {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.shown.Reset()
}
