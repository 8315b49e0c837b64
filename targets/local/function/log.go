package function

import (
	"bytes"
	"fmt"
	"io"
	"sync"
)

// lineMax is the longest line that is kept whole; Lambda's log events end there
// too. A longer line is broken.
const lineMax = 256 << 10

// logger writes whole lines of several instances to one writer.
type logger struct {
	mu sync.Mutex
	w  io.Writer
}

// write writes bytes that end with a line feed.
func (l *logger) write(lines []byte) {
	l.mu.Lock()
	defer l.mu.Unlock()
	// A log that cannot be written must not stop the function.
	_, _ = l.w.Write(lines)
}

// instanceLog is the log of one instance: it passes whole lines to the logger
// and remembers the last of them.
type instanceLog struct {
	logger *logger

	mu     sync.Mutex
	last   tail  // what the process printed
	invoke *tail // what is logged during the present invocation, if asked for
}

// printf writes a line of the platform's own.
func (l *instanceLog) printf(format string, args ...any) {
	l.platform(fmt.Appendf(nil, format+"\n", args...))
}

func (l *instanceLog) platform(lines []byte) {
	l.mu.Lock()
	if l.invoke != nil {
		l.invoke.add(lines)
	}
	l.mu.Unlock()
	l.logger.write(lines)
}

func (l *instanceLog) printed(lines []byte) {
	l.mu.Lock()
	l.last.add(lines)
	if l.invoke != nil {
		l.invoke.add(lines)
	}
	l.mu.Unlock()
	l.logger.write(lines)
}

// output returns the last lines that the process printed.
func (l *instanceLog) output() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.last.String()
}

// collect begins, or with nil ends, to keep what is logged.
func (l *instanceLog) collect(t *tail) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.invoke = t
}

// lineWriter cuts one stream of a process into lines.
type lineWriter struct {
	log *instanceLog

	mu   sync.Mutex
	part []byte
}

func (w *lineWriter) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	end := bytes.LastIndexByte(p, '\n') + 1
	if end > 0 {
		if len(w.part) > 0 {
			w.part = append(w.part, p[:end]...)
			w.log.printed(w.part)
			w.part = w.part[:0]
		} else {
			w.log.printed(p[:end])
		}
	}
	w.part = append(w.part, p[end:]...)
	for len(w.part) >= lineMax {
		line := append(bytes.Clone(w.part[:lineMax]), '\n')
		w.log.printed(line)
		w.part = append(w.part[:0], w.part[lineMax:]...)
	}
	return len(p), nil
}

// flush passes on a last line that has no line feed.
func (w *lineWriter) flush() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.part) > 0 {
		w.log.printed(append(w.part, '\n'))
		w.part = nil
	}
}

// tailMax is how much of a log is kept: what Lambda returns of it too.
const tailMax = 4096

// tail keeps the end of what is added to it. It is not safe for concurrent use.
type tail struct{ b []byte }

func (t *tail) add(p []byte) {
	if len(p) > 2*tailMax {
		p = p[len(p)-2*tailMax:]
	}
	t.b = append(t.b, p...)
	if len(t.b) > 4*tailMax {
		t.b = append(t.b[:0], t.b[len(t.b)-2*tailMax:]...)
	}
}

// String returns the last 4 KB, from the beginning of a line.
func (t *tail) String() string {
	b := t.b
	if len(b) <= tailMax {
		return string(b)
	}
	cut := b[len(b)-tailMax-1:]
	if at := bytes.IndexByte(cut, '\n'); at >= 0 && at < len(cut)-1 {
		return string(cut[at+1:])
	}
	return string(cut[1:])
}
