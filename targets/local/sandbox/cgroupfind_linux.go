package sandbox

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"

	"golang.org/x/sys/unix"
)

// findCgroups looks for groups that this process may divide further. Version 1
// has a tree for each controller, version 2 one for all; a machine may have both.
func findCgroups() cgroups {
	found := cgroups{next: new(atomic.Int64)}
	own, err := os.ReadFile("/proc/self/cgroup")
	if err != nil {
		return found
	}
	for line := range strings.Lines(string(own)) {
		// "4:memory:/some/group", or "0::/some/group" for version 2.
		_, rest, _ := strings.Cut(strings.TrimSpace(line), ":")
		controllers, group, ok := strings.Cut(rest, ":")
		if !ok || controllers == "" {
			continue
		}
		names := strings.Split(controllers, ",")
		for _, c := range []struct {
			name  string
			place *string
		}{{"memory", &found.memory}, {"cpu", &found.cpu}, {"pids", &found.pids}} {
			if slices.Contains(names, c.name) {
				*c.place = writableAbove(filepath.Join("/sys/fs/cgroup", c.name), group, "tasks")
			}
		}
	}
	if found.memory != "" || found.cpu != "" {
		return found
	}
	return findV2(own, found)
}

func findV2(own []byte, found cgroups) cgroups {
	found.pids = ""
	for line := range strings.Lines(string(own)) {
		group, ok := strings.CutPrefix(strings.TrimSpace(line), "0::")
		if !ok {
			continue
		}
		parent := writableAbove("/sys/fs/cgroup", group, "cgroup.subtree_control")
		if parent == "" {
			return found
		}
		enable(parent)
		handed, err := os.ReadFile(filepath.Join(parent, "cgroup.subtree_control"))
		if err != nil {
			return found
		}
		found.v2 = true
		for _, name := range strings.Fields(string(handed)) {
			switch name {
			case "memory":
				found.memory = parent
			case "cpu":
				found.cpu = parent
			case "pids":
				found.pids = parent
			}
		}
	}
	return found
}

// writableAbove returns the topmost group, from the given one upwards, in which
// this process may make groups and move processes. The topmost one is the same
// for all processes of a user, so that one finds what another one left behind.
func writableAbove(mount, group, file string) string {
	best := ""
	for at := filepath.Join(mount, group); strings.HasPrefix(at, mount); at = filepath.Dir(at) {
		for _, need := range []string{at, filepath.Join(at, "cgroup.procs"), filepath.Join(at, file)} {
			if unix.Faccessat(unix.AT_FDCWD, need, unix.W_OK, unix.AT_EACCESS) != nil {
				return best
			}
		}
		best = at
		if at == mount {
			break
		}
	}
	return best
}
