package host

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"
)

// The size of a log: three files of ten million bytes at most.
const (
	logFileSize = 10_000_000
	logFiles    = 3
)

// logFile is a log that is rotated by size: path, path.1, path.2. It takes
// writes from several goroutines, and never splits one over two files.
//
// A write never fails for its caller, since an app must not die of a full disk
// on the logging side; what cannot be written is lost.
type logFile struct {
	path string
	size int64 // of one file
	keep int   // files in all

	mu      sync.Mutex
	f       *os.File
	written int64
}

func openLog(path string, size int64, keep int) (*logFile, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, fmt.Errorf("open the log: %w", err)
	}
	l := &logFile{path: path, size: size, keep: keep}
	if err := l.open(); err != nil {
		return nil, fmt.Errorf("open the log: %w", err)
	}
	return l, nil
}

func (l *logFile) open() error {
	f, err := os.OpenFile(l.path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	info, err := f.Stat()
	if err != nil {
		f.Close()
		return err
	}
	l.f, l.written = f, info.Size()
	return nil
}

func (l *logFile) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.f == nil {
		return len(p), nil
	}
	if l.written > 0 && l.written+int64(len(p)) > l.size {
		l.rotate()
	}
	n, _ := l.f.Write(p)
	l.written += int64(n)
	return len(p), nil
}

// rotate goes on with the old file if it cannot make a new one.
func (l *logFile) rotate() {
	for n := l.keep - 1; n > 0; n-- {
		from := l.path
		if n > 1 {
			from = numbered(l.path, n-1)
		}
		os.Rename(from, numbered(l.path, n))
	}
	old := l.f
	if l.open() == nil {
		old.Close()
	}
}

func numbered(path string, n int) string { return fmt.Sprintf("%s.%d", path, n) }

// Close is safe to call twice; writes after it are lost.
func (l *logFile) Close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.f == nil {
		return nil
	}
	f := l.f
	l.f = nil
	return f.Close()
}

// maxLine is how long a line may get before it is written in pieces.
const maxLine = 64 << 10

// lineWriter passes on whole lines only, so that the lines of several streams
// stay apart in one log.
type lineWriter struct {
	mu  sync.Mutex
	out io.Writer
	buf []byte
}

func (w *lineWriter) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.buf = append(w.buf, p...)
	if end := bytes.LastIndexByte(w.buf, '\n') + 1; end > 0 {
		w.out.Write(w.buf[:end])
		w.buf = append(w.buf[:0], w.buf[end:]...)
	}
	if len(w.buf) >= maxLine {
		w.flush()
	}
	return len(p), nil
}

// Close writes the last line if no line break ended it.
func (w *lineWriter) Close() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.flush()
	return nil
}

func (w *lineWriter) flush() {
	if len(w.buf) > 0 {
		w.out.Write(append(w.buf, '\n'))
		w.buf = w.buf[:0]
	}
}

func (d *deployment) closeLog() {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.log != nil {
		d.log.Close()
		d.log = nil
	}
}

func (d *deployment) openLog() (*logFile, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.log == nil {
		log, err := openLog(appLog(d.dir), logFileSize, logFiles)
		if err != nil {
			return nil, err
		}
		d.log = log
	}
	return d.log, nil
}
