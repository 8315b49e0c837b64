package sandbox

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"
)

// cgroups are the folders of this machine's control groups below which this
// process may make its own, or "" where it may not.
type cgroups struct {
	v2     bool
	memory string
	cpu    string
	pids   string
	next   *atomic.Int64
}

// groupFolder is the parent of all groups that twofold makes.
const groupFolder = "twofold"

// pidsMax is how many threads one tree may have where the machine can limit it.
const pidsMax = 16384

// cgroup is the group of one process tree. A nil cgroup limits nothing.
type cgroup struct {
	v2        bool
	folders   []string
	memory    string // the folder that has the memory controller, or ""
	limit     int64  // of the memory in bytes, 0 for none
	inMemory  int64  // bytes that file systems in memory may hold beyond it
	slow      int64  // bytes at which version 2 slows the app down, or 0
	cpuFolder string
}

// create makes the group. What the machine cannot limit is left out; both
// limits may be 0. memory is in bytes, cpu in thousandths of a core; inMemory
// is how many bytes the sandbox's file systems in memory may hold beyond memory.
func (c cgroups) create(name string, memory, inMemory, cpu int64) (_ *cgroup, err error) {
	g := &cgroup{v2: c.v2}
	defer func() {
		if err != nil {
			g.remove()
		}
	}()
	own := groupName(name, c.next)
	make := func(parent string) (string, error) {
		folder := filepath.Join(parent, groupFolder, own)
		for _, f := range g.folders {
			if f == folder {
				return folder, nil
			}
		}
		sweep(filepath.Join(parent, groupFolder))
		if err := makeGroup(parent, folder, c.v2); err != nil {
			return "", fmt.Errorf("limit: %w", err)
		}
		g.folders = append(g.folders, folder)
		return folder, nil
	}
	if memory > 0 && c.memory != "" {
		if g.memory, err = make(c.memory); err != nil {
			return nil, err
		}
		g.limit, g.inMemory = memory, inMemory
		if err := g.limitMemory(); err != nil {
			return nil, err
		}
	}
	if cpu > 0 && c.cpu != "" {
		if g.cpuFolder, err = make(c.cpu); err != nil {
			return nil, err
		}
		if err := g.limitCPU(cpu); err != nil {
			return nil, err
		}
	}
	if c.pids != "" {
		folder, err := make(c.pids)
		if err != nil {
			return nil, err
		}
		_ = writeFile(folder, "pids.max", pidsMax)
	}
	return g, nil
}

// cpuPeriod is the kernel's default, in microseconds.
const cpuPeriod = 100_000

func (g *cgroup) limitCPU(thousandths int64) error {
	quota := max(thousandths*cpuPeriod/1000, 1000) // the kernel's least is a millisecond
	if g.v2 {
		return os.WriteFile(filepath.Join(g.cpuFolder, "cpu.max"), fmt.Appendf(nil, "%d %d", quota, cpuPeriod), 0o644)
	}
	if err := writeFile(g.cpuFolder, "cpu.cfs_period_us", cpuPeriod); err != nil {
		return err
	}
	return writeFile(g.cpuFolder, "cpu.cfs_quota_us", quota)
}

// makeGroup makes the folder of a group and its parent. Another process may
// remove the empty parent at the same time.
func makeGroup(parent, folder string, v2 bool) error {
	for range 100 {
		above := filepath.Dir(folder)
		if err := os.Mkdir(above, 0o755); err != nil && !errors.Is(err, os.ErrExist) {
			return err
		}
		if v2 {
			enable(above)
		}
		if err := os.Mkdir(folder, 0o755); !errors.Is(err, os.ErrNotExist) {
			return err
		}
	}
	return fmt.Errorf("%s: the parent vanishes again and again", folder)
}

// enable hands the controllers of a version 2 group down to its children.
func enable(folder string) {
	for _, controller := range []string{"memory", "cpu", "pids"} {
		_ = os.WriteFile(filepath.Join(folder, "cgroup.subtree_control"), []byte("+"+controller), 0o644)
	}
}

func (g *cgroup) isV2() bool      { return g != nil && g.v2 }
func (g *cgroup) hasMemory() bool { return g != nil && g.limit > 0 }

// files are what the init needs to start the app inside of the group: the
// "tasks" files of version 1, the group's folder of version 2.
func (g *cgroup) files() ([]*os.File, error) {
	if g == nil {
		return nil, nil
	}
	var files []*os.File
	for _, folder := range g.folders {
		name, flags := filepath.Join(folder, "tasks"), os.O_WRONLY
		if g.v2 {
			name, flags = folder, unix.O_DIRECTORY
		}
		file, err := os.OpenFile(name, flags, 0)
		if err != nil {
			closeAll(files)
			return nil, fmt.Errorf("limit: %w", err)
		}
		files = append(files, file)
	}
	return files, nil
}

// remove removes the group and, if it was the last one, the parent of all.
func (g *cgroup) remove() {
	if g == nil {
		return
	}
	for _, folder := range g.folders {
		removeGroup(folder)
		_ = unix.Rmdir(filepath.Dir(folder))
	}
	g.folders = nil
	g.limit = 0
}

// removeGroup waits a moment for the kernel, which lets go of a group shortly
// after its last process is gone.
func removeGroup(folder string) {
	for wait := time.Millisecond; wait < time.Second; wait *= 2 {
		if err := unix.Rmdir(folder); err != unix.EBUSY {
			return
		}
		time.Sleep(wait)
	}
}

// groupName makes a name that tells whose group it is: the process that made
// it, and when that began, because process ids are used again.
func groupName(name string, next *atomic.Int64) string {
	return fmt.Sprintf("%s.%d.%s.%d", hostname(name), os.Getpid(), beginning(os.Getpid()), next.Add(1))
}

// sweep removes the groups that a process left behind when it was killed.
func sweep(folder string) {
	entries, err := os.ReadDir(folder)
	if err != nil {
		return
	}
	for _, e := range entries {
		part := strings.Split(e.Name(), ".")
		if !e.IsDir() || len(part) != 4 {
			continue
		}
		pid, err := strconv.Atoi(part[1])
		if err == nil && beginning(pid) != part[2] {
			_ = unix.Rmdir(filepath.Join(folder, e.Name())) // refused while a process is in it
		}
	}
}

// beginning is when a process started, in ticks since the machine did, or ""
// if there is no such process.
func beginning(pid int) string {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return ""
	}
	// The name in parentheses may hold spaces. The start time is field 22.
	fields := bytes.Fields(stat[bytes.LastIndexByte(stat, ')')+1:])
	if len(fields) < 20 {
		return ""
	}
	return string(fields[19])
}

func writeFile(folder, name string, value int64) error {
	err := os.WriteFile(filepath.Join(folder, name), strconv.AppendInt(nil, value, 10), 0o644)
	if err != nil {
		return fmt.Errorf("limit: %w", err)
	}
	return nil
}
