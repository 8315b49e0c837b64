//go:build linux

package main

import (
	"bytes"
	"sync"
	"syscall"
	"time"
)

const (
	// tailSize bounds what is kept of each of the app's outputs for errors, and
	// tailLines how many lines of both an error holds.
	tailSize  = 4 << 10
	tailLines = 20
)

// output passes what an app prints to the adapter's own output, untouched, and
// keeps the end of it for error reports.
//
// It goes through the adapter rather than straight to the platform because the
// lines of a crash belong into the error that the platform is told.
type output struct {
	mu sync.Mutex
	// read are the reading ends of the pipes for stdout and stderr, -1 when closed.
	read [2]int
	tail [2]tail
	copy []byte
	// ended is closed when both pipes are at their end.
	ended chan struct{}
}

// newOutput returns an output and the writing ends of its pipes, which belong to
// the caller.
func newOutput() (*output, [2]int, error) {
	o := &output{copy: make([]byte, 16<<10), ended: make(chan struct{})}
	var write [2]int
	for i := range o.read {
		var p [2]int
		err := syscall.Pipe2(p[:], syscall.O_CLOEXEC)
		if err == nil {
			err = syscall.SetNonblock(p[0], true)
		}
		if err != nil {
			for j := range i {
				_ = syscall.Close(o.read[j])
				_ = syscall.Close(write[j])
			}
			return nil, write, err
		}
		o.read[i], write[i] = p[0], p[1]
	}
	return o, write, nil
}

// run passes output on until both pipes are at their end.
func (o *output) run() {
	defer close(o.ended)
	for {
		o.mu.Lock()
		p := [2]pollFD{{fd: int32(o.read[0]), events: pollIn}, {fd: int32(o.read[1]), events: pollIn}}
		o.mu.Unlock()
		if p[0].fd < 0 && p[1].fd < 0 {
			return
		}
		if err := pollFDs(p[:], time.Time{}); err != nil {
			return
		}
		o.flush()
	}
}

// flush passes on what the app has printed up to now. After it the platform has
// every line that the app printed before its answer, even if the platform freezes
// the adapter right afterwards.
func (o *output) flush() {
	o.mu.Lock()
	defer o.mu.Unlock()
	for i, fd := range o.read {
		for fd >= 0 {
			n, err := syscall.Read(fd, o.copy)
			if err == syscall.EINTR {
				continue
			}
			if err == syscall.EAGAIN {
				break
			}
			if err != nil || n == 0 {
				_ = syscall.Close(fd)
				o.read[i] = -1
				break
			}
			o.tail[i].write(o.copy[:n])
			writeAll(i+1, o.copy[:n])
			if n < len(o.copy) {
				break
			}
		}
	}
}

// lines returns the last lines of stdout, and behind them those of stderr. In what
// order the app wrote to the two cannot be known; neither crowds out the other.
func (o *output) lines() []string {
	o.flush()
	o.mu.Lock()
	defer o.mu.Unlock()
	out, err := o.tail[0].lines(), o.tail[1].lines()
	if len(out)+len(err) > tailLines {
		fromErr := max(tailLines/2, tailLines-len(out))
		err = err[max(0, len(err)-fromErr):]
		out = out[max(0, len(out)-(tailLines-len(err))):]
	}
	return append(out, err...)
}

// writeAll writes to one of the adapter's own outputs. There is nobody to tell
// when that fails.
func writeAll(fd int, b []byte) {
	for len(b) > 0 {
		n, err := syscall.Write(fd, b)
		switch {
		case err == syscall.EINTR:
		case err == syscall.EAGAIN:
			p := [1]pollFD{{fd: int32(fd), events: pollOut}}
			if pollFDs(p[:], time.Time{}) != nil {
				return
			}
		case err != nil:
			return
		default:
			b = b[n:]
		}
	}
}

// tail keeps the last tailSize bytes that are written to it.
type tail struct {
	ring [tailSize]byte
	end  int // how many bytes were written in all
}

func (t *tail) write(b []byte) {
	if skip := len(b) - tailSize; skip > 0 {
		b = b[skip:]
		t.end += skip
	}
	for len(b) > 0 {
		n := copy(t.ring[t.end%tailSize:], b)
		b = b[n:]
		t.end += n
	}
}

// lines returns the last tailLines lines. A line whose beginning is lost is not
// among them, unless it is the only one.
func (t *tail) lines() []string {
	text := make([]byte, 0, tailSize)
	if t.end > tailSize {
		text = append(text, t.ring[t.end%tailSize:]...)
	}
	text = append(text, t.ring[:t.end%tailSize]...)
	if t.end > 0 && t.end%tailSize == 0 {
		text = append(text[:0], t.ring[:]...)
	}
	text = bytes.TrimRight(text, "\r\n")
	if len(text) == 0 {
		return nil
	}
	all := bytes.Split(text, []byte{'\n'})
	if t.end > tailSize && len(all) > 1 {
		all = all[1:]
	}
	if len(all) > tailLines {
		all = all[len(all)-tailLines:]
	}
	lines := make([]string, len(all))
	for i, line := range all {
		lines[i] = string(bytes.TrimSuffix(line, []byte{'\r'}))
	}
	return lines
}
