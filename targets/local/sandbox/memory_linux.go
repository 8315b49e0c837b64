package sandbox

import (
	"bufio"
	"bytes"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// A cgroup counts what an app writes to /tmp as memory, which a platform does
// not. So the kernel's limit must leave room for full file systems, and the
// watch looks at what the app itself holds. Version 2 can slow an app down that
// has reached a first, lower limit, so that it does not get far between two
// looks; that limit is raised as the file systems fill. Version 1 can not: a
// peak between two looks may stay unseen there, up to the kernel's limit.

// watchInterval is how often the memory of a tree is looked at, nearInterval how
// often that of one that holds more than half of its limit, and farInterval that of
// one far below it, where the kernel's own limit is guard enough meanwhile.
const (
	watchInterval = 50 * time.Millisecond
	nearInterval  = 5 * time.Millisecond
	farInterval   = 250 * time.Millisecond
)

// raiseAhead is how many bytes a growing file system may take until the next look.
const raiseAhead = 64 << 20

// limitMemory sets the kernel's limits. Without file systems in memory the
// tree is left to the kernel.
func (g *cgroup) limitMemory() error {
	hard := g.limit + g.inMemory
	if !g.v2 {
		if err := writeFile(g.memory, "memory.limit_in_bytes", hard); err != nil {
			return err
		}
		_ = writeFile(g.memory, "memory.memsw.limit_in_bytes", hard) // absent without swap accounting
		return nil
	}
	_ = writeFile(g.memory, "memory.swap.max", 0) // absent without swap
	_ = writeFile(g.memory, "memory.oom.group", 1)
	if err := writeFile(g.memory, "memory.max", hard); err != nil || g.inMemory == 0 {
		return err
	}
	return g.slowAt(g.limit)
}

// slowAt sets the first limit of version 2.
func (g *cgroup) slowAt(bytes int64) error {
	g.slow = bytes
	return writeFile(g.memory, "memory.high", bytes)
}

// usage is the memory of a group at one moment.
type usage struct {
	own   int64 // bytes of the app, without files
	files int64 // bytes in file systems in memory
	kills int64 // how many processes the kernel has killed
}

func (g *cgroup) usage() usage {
	if g.v2 {
		events := readKeys(filepath.Join(g.memory, "memory.events"))
		current := readNumber(filepath.Join(g.memory, "memory.current"))
		stat := readKeys(filepath.Join(g.memory, "memory.stat"))
		return usage{own: max(stat["anon"], current-stat["file"]), files: stat["shmem"], kills: events["oom_kill"]}
	}
	control := readKeys(filepath.Join(g.memory, "memory.oom_control"))
	current := readNumber(filepath.Join(g.memory, "memory.usage_in_bytes"))
	stat := readKeys(filepath.Join(g.memory, "memory.stat"))
	return usage{own: max(stat["rss"], current-stat["cache"]), files: stat["shmem"], kills: control["oom_kill"]}
}

// look returns the memory that the app itself holds, and whether that is over
// its limit. It raises the first limit if files took the memory. Of a group that
// is far from its limit with all that it holds, files too, it does not ask for
// more: the kernel's full statistics cost a hundred times as much, and an idle
// deployment should cost nothing. It returns 0 then.
func (g *cgroup) look() (own int64, over bool) {
	if all, kills := g.glance(); kills == 0 && all > 0 && all <= g.limit/2 {
		return 0, false
	}
	u := g.usage()
	if u.own > g.limit || u.kills > 0 {
		return u.own, true
	}
	if g.slow > 0 && u.files > 0 {
		if want := g.limit + min(u.files+raiseAhead, g.inMemory); want > g.slow {
			_ = g.slowAt(want)
		}
	}
	return u.own, false
}

// glance returns all the memory that a group holds, and how many of its processes
// the kernel has killed.
func (g *cgroup) glance() (all, kills int64) {
	current, events := "memory.usage_in_bytes", "memory.oom_control"
	if g.v2 {
		current, events = "memory.current", "memory.events"
	}
	return readNumber(filepath.Join(g.memory, current)), readKeys(filepath.Join(g.memory, events))["oom_kill"]
}

// kills is how many processes of the group the kernel has killed for their memory.
func (g *cgroup) kills() int64 {
	if !g.hasMemory() {
		return 0
	}
	return g.usage().kills
}

// readKeys reads lines of a name and a number.
func readKeys(file string) map[string]int64 {
	keys := map[string]int64{}
	data, err := os.ReadFile(file)
	if err != nil {
		return keys
	}
	lines := bufio.NewScanner(bytes.NewReader(data))
	for lines.Scan() {
		key, value, _ := strings.Cut(lines.Text(), " ")
		keys[key], _ = strconv.ParseInt(value, 10, 64)
	}
	return keys
}

// readNumber reads a file of one number, or returns 0.
func readNumber(file string) int64 {
	data, err := os.ReadFile(file)
	if err != nil {
		return 0
	}
	n, _ := strconv.ParseInt(strings.TrimSpace(string(data)), 10, 64)
	return n
}
