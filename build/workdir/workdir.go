// Package workdir keeps a builder's own folder in order: one build at a time,
// files that are whole or not there, nothing left by a build that was killed.
package workdir

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"
)

// lockWait is how often a build looks whether the folder has become free.
const lockWait = 20 * time.Millisecond

// Lock makes the folder and takes it for one build. Another build that has it is
// waited for, which is said once on log. The lock ends with unlock, or with this
// process, however it ends.
func Lock(ctx context.Context, dir string, log io.Writer) (unlock func(), err error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, fmt.Errorf("build: make folder: %w", err)
	}
	f, err := os.OpenFile(filepath.Join(dir, "lock"), os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return nil, fmt.Errorf("build: lock: %w", err)
	}
	for said := false; ; said = true {
		err := tryLock(f)
		if err == nil {
			return func() { f.Close() }, nil
		}
		if !errors.Is(err, errLocked) {
			f.Close()
			return nil, fmt.Errorf("build: lock %s: %w", dir, err)
		}
		if !said && log != nil {
			fmt.Fprintf(log, "waiting for another build that uses %s\n", dir)
		}
		select {
		case <-ctx.Done():
			f.Close()
			return nil, ctx.Err()
		case <-time.After(lockWait):
		}
	}
}

// Fresh makes an empty folder of that name inside dir and removes whatever an
// earlier build left in it.
func Fresh(dir, name string) (string, error) {
	p := filepath.Join(dir, name)
	if err := os.RemoveAll(p); err != nil {
		return "", fmt.Errorf("build: clear folder: %w", err)
	}
	if err := os.MkdirAll(p, 0o755); err != nil {
		return "", fmt.Errorf("build: make folder: %w", err)
	}
	return p, nil
}

// WriteFile replaces a file as a whole: whoever reads it finds the old content
// or the new.
func WriteFile(path string, data []byte) error {
	tmp := path + ".new"
	if err := os.WriteFile(tmp, data, 0o644); err != nil {
		os.Remove(tmp)
		return err
	}
	return os.Rename(tmp, path)
}
