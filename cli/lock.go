package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"syscall"
	"time"
)

// lockRetry is how often a taken lock is tried again. The kernel offers no wait
// that a context could end.
const lockRetry = 50 * time.Millisecond

// acquire takes an exclusive lock on a file. The kernel drops the lock when the
// holder ends, however it ends, so a lock is never stale. While another process
// holds it, waiting is told once who that is.
func acquire(ctx context.Context, path string, waiting func(holder string)) (release func(), err error) {
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|syscall.O_CLOEXEC, 0o644)
	if err != nil {
		return nil, fmt.Errorf("open the lock: %w", err)
	}
	told := false
	for {
		err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if err == nil {
			break
		}
		if !errors.Is(err, syscall.EWOULDBLOCK) && !errors.Is(err, syscall.EINTR) {
			file.Close()
			return nil, fmt.Errorf("lock %s: %w", path, err)
		}
		if !told {
			waiting(holder(path))
			told = true
		}
		select {
		case <-ctx.Done():
			file.Close()
			return nil, ctx.Err()
		case <-time.After(lockRetry):
		}
	}
	// Only for the one who waits to read: the lock is the kernel's, not this text.
	file.Truncate(0)
	fmt.Fprintf(file, "pid %d, since %s\n", os.Getpid(), time.Now().Format(time.TimeOnly))
	return func() { file.Close() }, nil
}

func holder(path string) string {
	text, err := os.ReadFile(path)
	if err != nil || len(text) == 0 {
		return "just started"
	}
	return strings.TrimSpace(string(text))
}
