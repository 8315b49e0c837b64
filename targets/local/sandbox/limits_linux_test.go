package sandbox

import (
	"context"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// eachLimiter runs a test with the kernel's limit, if the machine has one, and
// with the watch that stands in for it.
func eachLimiter(t *testing.T, test func(t *testing.T, m machine)) {
	m := thisMachine()
	if m.cgroups.memory != "" {
		t.Run("cgroup", func(t *testing.T) { test(t, m) })
	} else if os.Getenv("CI") == "true" && os.Geteuid() == 0 {
		t.Errorf("this machine has no memory cgroup: %q", m.missing)
	}
	watched := m
	watched.cgroups = cgroups{next: m.cgroups.next}
	t.Run("watch", func(t *testing.T) { test(t, watched) })
	watched.namespaces, watched.mapped = false, false
	t.Run("watch without namespaces", func(t *testing.T) { test(t, watched) })
}

func TestMemoryLimitKillsTheTree(t *testing.T) {
	eachLimiter(t, func(t *testing.T, m machine) {
		for _, test := range []struct {
			name string
			args []string
			oom  bool
		}{
			{"more than the limit", []string{"300000000", "stay"}, true},
			{"more than the limit in a child", []string{"300000000", "child"}, true},
			{"less than the limit", []string{"20000000"}, false},
			{"more than the limit after /tmp was filled", []string{"300000000", "fill"}, true},
			{"more than memory and /tmp", []string{"2000000000"}, true},
		} {
			t.Run(test.name, func(t *testing.T) {
				s := appSpec("grow", test.args...)
				s.Memory = 100 << 20
				s.TmpSize = 16 << 20
				p, err := start(context.Background(), s, m, false)
				if err != nil {
					t.Fatal(err)
				}
				exit := wait(t, p)
				if exit.OutOfMemory != test.oom {
					t.Errorf("%#v", exit)
				}
				if !test.oom && (exit.Code != 0 || exit.PeakMemory < 10<<20 || exit.PeakMemory > 100<<20) {
					t.Errorf("%#v", exit)
				}
			})
		}
	})
}

func TestFilesOnTmpAreNotMemory(t *testing.T) {
	needsNamespaces(t)
	for _, size := range []int{200 << 20, 500 << 20} {
		s := appSpec("fill", "/tmp/file", strconv.Itoa(size))
		s.Memory = 64 << 20
		exit, out := run(t, s)
		if exit.Code != 0 || strings.TrimSpace(out) != strconv.Itoa(size) {
			t.Errorf("%v: %s", exit, out)
		}
		if exit.PeakMemory > s.Memory {
			t.Errorf("the files on /tmp were counted: %d bytes", exit.PeakMemory)
		}
	}
}

func TestCPULimit(t *testing.T) {
	m := thisMachine()
	if m.cgroups.cpu == "" {
		if !strings.Contains(strings.Join(Describe().Missing, "\n"), "a cpu limit") {
			t.Errorf("the missing cpu limit is not listed: %q", Describe().Missing)
		}
		return
	}
	s := appSpec("burn", "1s")
	s.CPU = 200
	exit, out := run(t, s)
	ms, err := strconv.Atoi(strings.TrimSpace(out))
	if err != nil || exit.Code != 0 || ms > 400 {
		t.Errorf("%v: used %s ms of a second, want about 200", exit, out)
	}
}

func TestGroupsOfDeadProcessesAreSwept(t *testing.T) {
	m := thisMachine()
	if m.cgroups.memory == "" {
		if !strings.Contains(strings.Join(Describe().Missing, "\n"), "a memory limit by the kernel") {
			t.Errorf("the missing memory limit is not listed: %q", Describe().Missing)
		}
		return
	}
	parent := filepath.Join(m.cgroups.memory, groupFolder)
	stale := filepath.Join(parent, "stale."+strconv.Itoa(os.Getpid())+".1.1")
	if err := makeGroup(m.cgroups.memory, stale, m.cgroups.v2); err != nil {
		t.Fatal(err)
	}
	s := appSpec("wait")
	s.Memory = 1 << 30
	p, line := talk(t, s)
	line()
	if _, err := os.Stat(stale); !os.IsNotExist(err) {
		t.Errorf("the group of a dead process is left: %v", err)
	}
	if len(names(parent)) == 0 {
		t.Errorf("no group in use")
	}
	_ = p.Kill()
	wait(t, p)
	for _, folder := range p.group.folders {
		if _, err := os.Stat(folder); !os.IsNotExist(err) {
			t.Errorf("%s is left", folder)
		}
	}
}
