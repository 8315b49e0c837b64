package function

import (
	"bytes"
	"os"
	"strconv"
	"sync"
	"time"
)

// memoryGauge knows the most memory that an instance has used. Reading it costs
// more than a small invocation, so it is read about once a second; the sandbox
// knows the final value of a process that has ended.
type memoryGauge struct {
	mu   sync.Mutex
	next time.Time
	max  int64
}

const gaugeInterval = time.Second

// peak returns the highest use so far in bytes.
func (g *memoryGauge) peak(i *instance) int64 {
	g.mu.Lock()
	defer g.mu.Unlock()
	if closed(i.gone) {
		g.max = max(g.max, i.proc.Exit().PeakMemory)
	} else if now := time.Now(); now.After(g.next) {
		g.max = max(g.max, treeMemory(i.proc.Pid(), 0))
		g.next = now.Add(gaugeInterval)
	}
	return g.max
}

// treeMemory adds up the highest resident size of a process and of its
// descendants, as far as the kernel tells.
func treeMemory(pid, depth int) int64 {
	const deepest = 16
	if pid <= 0 || depth > deepest {
		return 0
	}
	dir := "/proc/" + strconv.Itoa(pid)
	status, err := os.ReadFile(dir + "/status")
	if err != nil {
		return 0
	}
	total := highWater(status)
	// A child is listed with the thread that made it.
	threads, _ := os.ReadDir(dir + "/task")
	for _, thread := range threads {
		children, _ := os.ReadFile(dir + "/task/" + thread.Name() + "/children")
		for child := range bytes.FieldsSeq(children) {
			if n, err := strconv.Atoi(string(child)); err == nil {
				total += treeMemory(n, depth+1)
			}
		}
	}
	return total
}

// highWater returns the bytes of the VmHWM line of a process's status.
func highWater(status []byte) int64 {
	for line := range bytes.Lines(status) {
		if value, ok := bytes.CutPrefix(line, []byte("VmHWM:")); ok {
			fields := bytes.Fields(value)
			if len(fields) == 0 {
				return 0
			}
			kib, _ := strconv.ParseInt(string(fields[0]), 10, 64)
			return kib << 10
		}
	}
	return 0
}
