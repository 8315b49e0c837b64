package sandbox

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
)

func TestManyAtOnceLeaveNothing(t *testing.T) {
	needsNamespaces(t)
	root, mounts := imageRoot(t)
	thisMachine()
	tmp := names(os.TempDir())
	mountsBefore, filesBefore, processesBefore, rootBefore := mountTable(t), openFiles(t), below(), tree(t, root)
	var group sync.WaitGroup
	for i := range 20 {
		group.Go(func() {
			text := fmt.Sprint("text ", i)
			s := appSpec("write", "/app/own", text)
			s.Root, s.Mounts = root, mounts
			s.Memory, s.CPU, s.Loopback = 256<<20, 1000, true
			s.Name = "many"
			var out bytes.Buffer
			s.Stdout = &out
			p, err := Start(t.Context(), s)
			if err != nil {
				t.Error(err)
				return
			}
			// Each sees what itself has written, and no more.
			if exit := wait(t, p); exit.Code != 0 || out.String() != text {
				t.Errorf("%v: %q, want %q", exit, out.String(), text)
			}
			for _, folder := range p.group.folders {
				t.Errorf("the group %s is left", folder)
			}
		})
	}
	group.Wait()
	if after := mountTable(t); after != mountsBefore {
		t.Errorf("mounts are left:\n%s", after)
	}
	if after := openFiles(t); !slices.Equal(after, filesBefore) {
		t.Errorf("files are left open: %q, before: %q", after, filesBefore)
	}
	if after := below(); !slices.Equal(after, processesBefore) {
		t.Errorf("processes %v are left", after)
	}
	if after := tree(t, root); !slices.Equal(after, rootBefore) {
		t.Errorf("the root is changed: %q", after)
	}
	for _, name := range []string{"root", "upper", "work", "hosts"} {
		if slices.Contains(names(os.TempDir()), name) && !slices.Contains(tmp, name) {
			t.Errorf("%s is left in %s", name, os.TempDir())
		}
	}
	c := thisMachine().cgroups
	for _, parent := range []string{c.memory, c.cpu, c.pids} {
		if parent == "" {
			continue
		}
		for _, name := range names(filepath.Join(parent, groupFolder)) {
			if strings.HasPrefix(name, "many.") {
				t.Errorf("the group %s is left", name)
			}
		}
	}
}

func mountTable(t *testing.T) string {
	t.Helper()
	table, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		t.Fatal(err)
	}
	return string(table)
}

// openFiles lists what this process has open, but for pipes and what the
// runtime itself keeps.
func openFiles(t *testing.T) (all []string) {
	t.Helper()
	runtime.GC() // closes what nobody refers to any more; nothing may count on it
	for _, fd := range names("/proc/self/fd") {
		name, err := os.Readlink("/proc/self/fd/" + fd)
		if err == nil && name != "/proc/self/fd" {
			all = append(all, fd+" "+name)
		}
	}
	return all
}

// TestAsOrdinaryUser runs all other tests once more as another user, in the
// way that a developer without root has them.
func TestAsOrdinaryUser(t *testing.T) {
	if os.Geteuid() != 0 {
		return // they are run so already
	}
	folder := t.TempDir()
	for _, dir := range []string{filepath.Dir(folder), folder} {
		if err := os.Chown(dir, 65534, 65534); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.Command(self, "-test.v")
	cmd.Dir = "/"
	cmd.Env = append(os.Environ(), "TMPDIR="+folder, "HOME="+folder)
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Errorf("%v\n%s", err, failures(string(out)))
	}
	if !strings.Contains(string(out), "--- PASS: TestAppSeesNothingOfTheMachine") && Describe().Namespaces {
		t.Errorf("the isolation was not tested:\n%s", out)
	}
}

// failures leaves the passed tests out of an output.
func failures(out string) string {
	var kept []string
	for line := range strings.Lines(out) {
		if text := strings.TrimSpace(line); !strings.HasPrefix(text, "=== ") && !strings.HasPrefix(text, "--- PASS") {
			kept = append(kept, line)
		}
	}
	return strings.Join(kept, "")
}
