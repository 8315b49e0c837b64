package release

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

// Two files of a store are locked. A process that died holds no lock.
const (
	// indexLock is held, exclusively, while index.json is replaced.
	indexLock = "index.lock"
	// blobLock is held, shared, while blobs are made or read, and exclusively
	// while blobs or leftovers are removed.
	blobLock = "blobs.lock"
)

// lock takes a lock of the store and returns what releases it. It waits for as
// long as ctx allows.
func (s *Store) lock(ctx context.Context, name string, exclusive bool) (unlock func(), err error) {
	if s.foreign {
		return func() {}, nil
	}
	f, err := s.openLock(name)
	if err != nil {
		return nil, err
	}
	for wait := time.Millisecond; ; wait = min(2*wait, 50*time.Millisecond) {
		ok, err := tryLock(f, exclusive)
		if ok {
			return func() { f.Close() }, nil
		}
		if err != nil {
			f.Close()
			return nil, fmt.Errorf("release: lock the store %q: %w", s.dir, err)
		}
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			f.Close()
			return nil, fmt.Errorf("release: wait for another twofold that uses the store %q: %w", s.dir, context.Cause(ctx))
		}
	}
}

func (s *Store) openLock(name string) (*os.File, error) {
	f, err := os.OpenFile(filepath.Join(s.dir, name), os.O_RDONLY|os.O_CREATE, 0o644)
	if err != nil {
		return nil, fmt.Errorf("release: lock the store: %w", s.explain(err))
	}
	return f, nil
}
