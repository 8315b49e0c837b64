package sandbox

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// entry is one process of a tree.
type entry struct {
	pid, parent int
	anonymous   int64 // resident bytes that are not files
}

// processes reads all of /proc. A process may end while it is read; it is left out then.
func processes() []entry {
	names, err := os.ReadDir("/proc")
	if err != nil {
		return nil
	}
	var all []entry
	for _, n := range names {
		pid, err := strconv.Atoi(n.Name())
		if err != nil {
			continue
		}
		status, err := os.ReadFile(filepath.Join("/proc", n.Name(), "status"))
		if err != nil {
			continue
		}
		e := entry{pid: pid}
		for line := range strings.Lines(string(status)) {
			key, value, _ := strings.Cut(line, ":")
			switch key {
			case "PPid":
				e.parent, _ = strconv.Atoi(strings.TrimSpace(value))
			case "RssAnon":
				kb, _, _ := strings.Cut(strings.TrimSpace(value), " ")
				n, _ := strconv.ParseInt(kb, 10, 64)
				e.anonymous = n * 1024
			}
		}
		all = append(all, e)
	}
	return all
}

// descendants returns the processes below the given one, parents first.
func descendants(root int) []entry {
	children := map[int][]entry{}
	for _, e := range processes() {
		children[e.parent] = append(children[e.parent], e)
	}
	tree := append([]entry(nil), children[root]...)
	for i := 0; i < len(tree); i++ {
		tree = append(tree, children[tree[i].pid]...)
	}
	return tree
}

// watchMemory kills the tree when it holds more than its limit. It stands in
// for the kernel where that cannot limit the memory.
func (i *initProcess) watchMemory() {
	for range time.Tick(watchInterval) {
		used := int64(0)
		for _, e := range descendants(os.Getpid()) {
			used += e.anonymous
		}
		i.mu.Lock()
		i.peak = max(i.peak, used)
		over := used > i.config.Watch
		i.outOfMemory = i.outOfMemory || over
		i.mu.Unlock()
		if over {
			i.killTree()
		}
	}
}
