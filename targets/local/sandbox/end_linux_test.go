package sandbox

import (
	"bytes"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func TestExit(t *testing.T) {
	for _, test := range []struct {
		name string
		arg  string
		want Exit
	}{
		{"success", "0", Exit{}},
		{"a code", "3", Exit{Code: 3}},
		{"SIGKILL", "-9", Exit{Code: 137, Signal: syscall.SIGKILL}},
		{"SIGHUP", "-1", Exit{Code: 129, Signal: syscall.SIGHUP}},
	} {
		t.Run(test.name, func(t *testing.T) {
			exit, out := run(t, appSpec("exit", test.arg))
			exit.PeakMemory = 0
			if exit != test.want {
				t.Errorf("%#v, want %#v: %s", exit, test.want, out)
			}
		})
	}
}

func TestTerminateAsksTheApp(t *testing.T) {
	p, line := talk(t, appSpec("wait", "5"))
	if got := line(); got != "ready" {
		t.Fatal(got)
	}
	if err := p.Terminate(); err != nil {
		t.Fatal(err)
	}
	if exit := wait(t, p); exit.Code != 5 || exit.Signal != 0 {
		t.Errorf("%#v", exit)
	}
	if err := p.Terminate(); err != nil {
		t.Errorf("a second time: %v", err)
	}
}

func TestKillNeedsNoConsent(t *testing.T) {
	eachWay(t, func(t *testing.T, m machine) {
		s := appSpec("wait")
		pid, line := talkOn(t, s, m)
		line()
		if err := pid.Terminate(); err != nil {
			t.Fatal(err)
		}
		if got := line(); got != "ignored" {
			t.Fatal(got)
		}
		if err := pid.Kill(); err != nil {
			t.Fatal(err)
		}
		if exit := wait(t, pid); exit.Signal != syscall.SIGKILL || exit.Code != 137 || exit.OutOfMemory {
			t.Errorf("%#v", exit)
		}
		if err := pid.Kill(); err != nil {
			t.Errorf("a second time: %v", err)
		}
	})
}

// eachWay runs a test with the machine's best isolation, and without any.
func eachWay(t *testing.T, test func(t *testing.T, m machine)) {
	best := thisMachine()
	t.Run("best", func(t *testing.T) { test(t, best) })
	plain := best
	plain.namespaces, plain.mapped = false, false
	t.Run("plain", func(t *testing.T) { test(t, plain) })
}

func talkOn(t *testing.T, s Spec, m machine) (*Process, func() string) {
	t.Helper()
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	s.Stdout = write
	p, err := start(t.Context(), s, m, false)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.Kill(); wait(t, p); read.Close(); write.Close() })
	return p, lines(t, read)
}

func TestNothingOutlivesTheApp(t *testing.T) {
	eachWay(t, func(t *testing.T, m machine) {
		out := &bytes.Buffer{}
		s := appSpec("child")
		s.Stdout = out
		before := below()
		p, err := start(t.Context(), s, m, false)
		if err != nil {
			t.Fatal(err)
		}
		exit := wait(t, p)
		if exit.Code != 0 || !strings.HasPrefix(out.String(), "child ") {
			t.Errorf("%v: %s", exit, out)
		}
		if after := below(); !slices.Equal(before, after) {
			t.Errorf("processes %v are left", after)
		}
	})
}

func TestKillEndsTheWholeTree(t *testing.T) {
	eachWay(t, func(t *testing.T, m machine) {
		before := below()
		p, line := talkOn(t, appSpec("child", "stay"), m)
		if got := line(); !strings.HasPrefix(got, "child") {
			t.Fatal(got)
		}
		if during := below(); len(during) != len(before)+3 {
			t.Errorf("processes %v run, want an init, an app and its child", during)
		}
		if err := p.Kill(); err != nil {
			t.Fatal(err)
		}
		wait(t, p)
		if after := below(); !slices.Equal(before, after) {
			t.Errorf("processes %v are left", after)
		}
	})
}

func TestOrphansAreCollected(t *testing.T) {
	eachWay(t, func(t *testing.T, m machine) {
		out := &bytes.Buffer{}
		s := appSpec("orphan")
		s.Stdout = out
		p, err := start(t.Context(), s, m, false)
		if err != nil {
			t.Fatal(err)
		}
		if exit := wait(t, p); exit.Code != 0 {
			t.Errorf("%v: %s", exit, out)
		}
	})
}

func TestFilesThatTheStarterInheritedAreNotHeld(t *testing.T) {
	eachWay(t, func(t *testing.T, m machine) {
		var pipe [2]int
		if err := unix.Pipe(pipe[:]); err != nil { // without close-on-exec, as a shell leaves them
			t.Fatal(err)
		}
		defer unix.Close(pipe[0])
		_, line := talkOn(t, appSpec("wait"), m)
		if got := line(); got != "ready" {
			t.Fatal(got)
		}
		unix.Close(pipe[1])
		poll := []unix.PollFd{{Fd: int32(pipe[0])}}
		if _, err := unix.Poll(poll, 0); err != nil || poll[0].Revents&unix.POLLHUP == 0 {
			t.Errorf("the pipe is still open in the sandbox: %v", err)
		}
	})
}

// below lists the processes that this one has started.
func below() (pids []int) {
	for _, e := range descendants(os.Getpid()) {
		pids = append(pids, e.pid)
	}
	return pids
}

func TestTreeDiesWithTheProcessThatStartedIt(t *testing.T) {
	for _, way := range []string{"best", "plain"} {
		t.Run(way, func(t *testing.T) {
			cmd := exec.Command(self, way)
			cmd.Env = append(os.Environ(), appVariable+"=starter")
			stdout, err := cmd.StdoutPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			line := lines(t, stdout)
			text := line()
			words := strings.Fields(text)
			var fds []unix.PollFd
			for _, word := range words {
				pid, err := strconv.Atoi(word)
				if err != nil {
					t.Fatal(text)
				}
				fd, err := unix.PidfdOpen(pid, 0)
				if err != nil {
					t.Fatalf("process %d: %v", pid, err)
				}
				defer unix.Close(fd)
				fds = append(fds, unix.PollFd{Fd: int32(fd), Events: unix.POLLIN})
			}
			if len(fds) != 4 {
				t.Fatalf("%q: want the app, and then the init, the app and its child", text)
			}
			if err := cmd.Process.Signal(syscall.SIGKILL); err != nil {
				t.Fatal(err)
			}
			_ = cmd.Wait()
			for i := range fds {
				awaitEnd(t, words[i], fds[i:i+1])
			}
		})
	}
}

// awaitEnd waits until the process of a pidfd has ended.
func awaitEnd(t *testing.T, name string, fd []unix.PollFd) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); ; {
		n, err := unix.Poll(fd, int(time.Until(deadline).Milliseconds()))
		if err == unix.EINTR {
			continue
		}
		if err != nil || n != 1 {
			t.Errorf("process %s lives on: %v", name, err)
		}
		return
	}
}

func TestOutputIsComplete(t *testing.T) {
	const size = 10<<20 + 1
	eachWay(t, func(t *testing.T, m machine) {
		out := &bytes.Buffer{}
		s := appSpec("flood", strconv.Itoa(size))
		s.Stdout = out
		p, err := start(t.Context(), s, m, false)
		if err != nil {
			t.Fatal(err)
		}
		if exit := wait(t, p); exit.Code != 0 || out.Len() != size {
			t.Errorf("%v: %d bytes, want %d", exit, out.Len(), size)
		}
	})
}

// failingWriter takes one write.
type failingWriter struct{ writes int }

func (w *failingWriter) Write(b []byte) (int, error) {
	if w.writes++; w.writes > 1 {
		return 0, os.ErrClosed
	}
	return len(b), nil
}

func TestFailingWriterDoesNotHoldTheApp(t *testing.T) {
	s := appSpec("flood", strconv.Itoa(10<<20))
	s.Stdout = &failingWriter{}
	p, err := Start(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	if exit := wait(t, p); exit.Code != 0 {
		t.Errorf("%v", exit)
	}
}
