//go:build linux

package tool

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/twofoldhq/twofold/build"
)

func TestOutputIsCapturedWholeAndPassedOn(t *testing.T) {
	var log bytes.Buffer
	out, err := Command{Args: []string{"sh", "-c", "echo one; echo two >&2; printf three"}, Log: &log}.Run(t.Context())
	if err != nil || out != "one\ntwo\nthree" || log.String() != out {
		t.Errorf("got %q, log %q, %v", out, log.String(), err)
	}
}

func TestFailure(t *testing.T) {
	_, err := Command{Args: []string{"sh", "-c", "echo why; exit 3"}}.Run(t.Context())
	var e *build.ToolError
	if !errors.As(err, &e) {
		t.Fatalf("got %v", err)
	}
	if e.Output != "why\n" || e.Tool != "sh -c 'echo why; exit 3'" || !strings.Contains(e.Error(), "exit status 3") {
		t.Errorf("got %+v", e)
	}
}

func TestToolThatCannotStart(t *testing.T) {
	dir := t.TempDir()
	write := func(name, content string, mode os.FileMode) {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), mode); err != nil {
			t.Fatal(err)
		}
	}
	write("plain", "echo", 0o644)
	write("orphan", "#!/no/such/interpreter\n", 0o755)
	write("garbage", "\x01\x02", 0o755)
	for _, c := range []struct{ tool, hint string }{
		{"no-such-tool-anywhere", "install no-such-tool-anywhere"},
		{"./missing", "there is no such file"},
		{"./plain", "chmod +x ./plain"},
		{"./orphan", "#!"},
		{"./garbage", "#!"},
	} {
		t.Run(c.tool, func(t *testing.T) {
			_, err := Command{Args: []string{c.tool}, Dir: dir}.Run(t.Context())
			var e *build.ToolError
			if !errors.As(err, &e) || !strings.Contains(e.Hint, c.hint) {
				t.Errorf("got %v, hint %q", err, e.Hint)
			}
		})
	}
}

func TestFullDiskIsNamed(t *testing.T) {
	_, err := Command{Args: []string{"sh", "-c", "cat /dev/zero > /dev/full"}}.Run(t.Context())
	var e *build.ToolError
	if !errors.As(err, &e) || !strings.Contains(e.Hint, "disk is full") {
		t.Errorf("got %v: %+v", err, e)
	}
}

// started waits for the tool to print the pids of the processes it has started.
type started struct {
	printed string
	lines   int
	ready   func()
}

func (s *started) Write(p []byte) (int, error) {
	s.printed += string(p)
	if strings.Count(s.printed, "\n") == s.lines {
		s.ready()
	}
	return len(p), nil
}

func TestCancelEndsTheWholeGroup(t *testing.T) {
	for name, script := range map[string]string{
		"obedient": "sleep 600 & echo $!; echo $$; wait",
		"stubborn": "trap '' TERM; sh -c 'trap \"\" TERM; while :; do sleep 600; done' & echo $!; echo $$; while :; do wait; done",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithCancel(t.Context())
			log := &started{lines: 2, ready: cancel}
			_, err := Command{Args: []string{"sh", "-c", script}, Log: log}.Run(ctx)
			if !errors.Is(err, context.Canceled) {
				t.Errorf("got %v", err)
			}
			for _, pid := range pids(t, log.printed) {
				waitGone(t, pid)
			}
		})
	}
}

func TestNothingIsLeftRunning(t *testing.T) {
	began := time.Now()
	out, err := Command{Args: []string{"sh", "-c", "sleep 600 & echo $!"}}.Run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, pid := range pids(t, out) {
		waitGone(t, pid)
	}
	if took := time.Since(began); took > time.Minute {
		t.Errorf("waited %v for a process that was left behind", took)
	}
}

// A process that has made a session of its own is none of the group's; it must not
// keep the build waiting for the end of its output.
func TestDaemonDoesNotHoldTheBuildUp(t *testing.T) {
	out, err := Command{Args: []string{"setsid", "sh", "-c", "setsid sleep 600 & echo $!"}}.Run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, pid := range pids(t, out) {
		syscall.Kill(pid, syscall.SIGKILL)
	}
}

const asParent = "TWOFOLD_TEST_PARENT"

func TestToolDiesWithItsParent(t *testing.T) {
	if os.Getenv(asParent) != "" {
		Command{Args: []string{"sh", "-c", "echo $$; exec sleep 600"}, Log: os.Stdout}.Run(context.Background())
		return
	}
	cmd := exec.Command("/proc/self/exe", "-test.run=^TestToolDiesWithItsParent$")
	cmd.Env = append(os.Environ(), asParent+"=1")
	ready := make(chan struct{})
	log := &started{lines: 1, ready: func() { close(ready) }}
	cmd.Stdout = log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	<-ready
	cmd.Process.Kill()
	cmd.Wait()
	for _, pid := range pids(t, log.printed) {
		waitGone(t, pid)
	}
}

func pids(t *testing.T, out string) []int {
	t.Helper()
	var all []int
	for _, word := range strings.Fields(out) {
		pid, err := strconv.Atoi(word)
		if err != nil {
			t.Fatalf("no pid: %q", word)
		}
		all = append(all, pid)
	}
	return all
}

// waitGone waits until the process is dead: not there, or a zombie that whoever
// inherited it has yet to collect.
func waitGone(t *testing.T, pid int) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(time.Millisecond) {
		stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
		if err != nil || strings.Contains(string(stat), ") Z ") {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("process %d still runs: %s", pid, stat)
		}
	}
}
