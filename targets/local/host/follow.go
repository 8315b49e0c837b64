package host

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/twofoldhq/twofold/targets"
)

func appLog(deploymentDir string) string { return filepath.Join(deploymentDir, "log", "app.log") }

// Logs writes the log of a deployment. It reads the files, so it works whether
// or not a supervisor runs, and goes on when one takes over from another.
func Logs(ctx context.Context, l Layout, target string, r targets.LogsRequest) error {
	dir := l.Deployment(r.Key, target)
	if _, err := readRecord(dir); err != nil && !(errors.Is(err, errNoRecord) && r.Follow) {
		return fail("logs of", r.Key, err)
	}
	err := follow(ctx, appLog(dir), r)
	if err != nil && ctx.Err() == nil {
		return fail("logs of", r.Key, err)
	}
	return nil
}

// followPause is how often a log is looked at for more.
const followPause = 50 * time.Millisecond

func follow(ctx context.Context, path string, r targets.LogsRequest) error {
	// The newest file is opened before the older ones are read, so that a rotation
	// in between repeats lines at worst, and loses none.
	current, err := openNewest(path)
	if err != nil {
		return err
	}
	defer func() {
		if current != nil {
			current.Close()
		}
	}()
	if err := writeTail(path, current, r); err != nil || !r.Follow {
		return err
	}
	lines := &lineWriter{out: r.Out}
	ticker := time.NewTicker(followPause)
	defer ticker.Stop()
	for {
		if current != nil {
			if _, err := io.Copy(lines, current); err != nil {
				return err
			}
		}
		next, err := openIfOther(path, current)
		if err != nil {
			return err
		}
		if next != nil {
			if current != nil {
				io.Copy(lines, current) // what came between the copy and the rotation
				current.Close()
			}
			current = next
			continue
		}
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		}
	}
}

func openNewest(path string) (*os.File, error) {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return f, err
}

// openIfOther opens the log if it is another file than the one that is read.
func openIfOther(path string, current *os.File) (*os.File, error) {
	now, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	if current != nil {
		was, err := current.Stat()
		if err == nil && os.SameFile(was, now) {
			return nil, nil
		}
	}
	return openNewest(path)
}

// writeTail writes the lines that are there, as many as asked, and leaves the
// current file at the place where a follower goes on.
func writeTail(path string, current *os.File, r targets.LogsRequest) error {
	var text []byte
	if r.Tail >= 0 {
		for n := logFiles - 1; n > 0; n-- {
			older, err := os.ReadFile(numbered(path, n))
			if err != nil && !errors.Is(err, fs.ErrNotExist) {
				return fmt.Errorf("read an older log: %w", err)
			}
			text = append(text, older...)
		}
	}
	if current != nil {
		newest, err := io.ReadAll(current)
		if err != nil {
			return fmt.Errorf("read the log: %w", err)
		}
		// A line that is not whole yet is left for the follower.
		whole := bytes.LastIndexByte(newest, '\n') + 1
		if _, err := current.Seek(int64(whole-len(newest)), io.SeekCurrent); err != nil {
			return err
		}
		text = append(text, newest[:whole]...)
	}
	if r.Tail < 0 {
		return nil
	}
	if r.Tail > 0 {
		text = lastLines(text, r.Tail)
	}
	_, err := r.Out.Write(text)
	return err
}

func lastLines(text []byte, n int) []byte {
	end := len(text)
	for i := end - 1; i >= 0; i-- {
		if text[i] == '\n' && i != end-1 {
			n--
			if n == 0 {
				return text[i+1:]
			}
		}
	}
	return text
}
