package release

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// Store is an OCI image layout on disk that holds releases. Several processes
// may use one store at a time.
//
// Besides what the OCI image layout has, it holds the folders tmp, for files that
// are being written, and cache, for what only makes the next build faster.
type Store struct {
	dir string
	// foreign is a layout that is read only and never changed.
	foreign bool
	// adapter returns the adapter that goes into bundles for an architecture.
	adapter func(arch string) (adapter, error)
	// resolver returns the program that reads secrets, likewise.
	resolver func(arch string) (adapter, error)
	// limit is BundleLimit, but in tests.
	limit int64
}

const layoutMarker = `{"imageLayoutVersion":"1.0.0"}`

// OpenStore opens the store in a folder, and makes it if it is missing. What
// processes that were killed left behind is removed.
func OpenStore(dir string) (*Store, error) {
	abs, err := filepath.Abs(dir)
	if err != nil {
		return nil, fmt.Errorf("release: open store %q: %w", dir, err)
	}
	s := &Store{dir: abs, adapter: embeddedAdapter, resolver: embeddedResolver, limit: BundleLimit}
	if err := s.make(); err != nil {
		return nil, fmt.Errorf("release: open store %q: %w", dir, s.explain(err))
	}
	if err := s.sweep(); err != nil {
		return nil, fmt.Errorf("release: open store %q: %w", dir, err)
	}
	return s, nil
}

// Dir returns the store's folder.
func (s *Store) Dir() string { return s.dir }

// make makes the folders and the marker of an OCI image layout.
func (s *Store) make() error {
	folders := []string{"", "blobs", "blobs/sha256", "cache", "cache/releases", "cache/bases", "tmp"}
	_, marker := os.Stat(filepath.Join(s.dir, "oci-layout"))
	_, last := os.Stat(filepath.Join(s.dir, folders[len(folders)-1]))
	if marker == nil && last == nil {
		return nil
	}
	for _, dir := range folders {
		if err := makeFolder(filepath.Join(s.dir, filepath.FromSlash(dir))); err != nil {
			return err
		}
	}
	// Another process may find the folder as soon as it is there, and must not
	// take the files of this one for leftovers.
	unlock, err := s.lock(context.Background(), blobLock, false)
	if err != nil {
		return err
	}
	defer unlock()
	if _, err := os.Stat(filepath.Join(s.dir, "index.json")); errors.Is(err, os.ErrNotExist) {
		if err := s.updateIndex(context.Background(), func(*layoutIndex) bool { return true }); err != nil {
			return err
		}
	}
	// The marker comes last: a folder that has it has everything.
	return s.replaceFile(filepath.Join(s.dir, "oci-layout"), []byte(layoutMarker), false)
}

// makeFolder makes a folder that others may read, whatever the umask.
func makeFolder(dir string) error {
	if _, err := os.Stat(dir); err == nil {
		return nil
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	return os.Chmod(dir, 0o755)
}

// sweep removes the temporary files of processes that were killed. While any
// process works in the store, it leaves them alone.
func (s *Store) sweep() error {
	left, err := os.ReadDir(filepath.Join(s.dir, "tmp"))
	if err != nil || len(left) == 0 {
		return err
	}
	f, err := s.openLock(blobLock)
	if err != nil {
		return err
	}
	defer f.Close()
	if ok, err := tryLock(f, true); !ok {
		return err
	}
	for _, e := range left {
		if err := os.RemoveAll(filepath.Join(s.dir, "tmp", e.Name())); err != nil {
			return err
		}
	}
	return nil
}

// replaceFile writes a small file so that a reader sees the old or the new
// content, never a part. If durable, the content is on the disk when it returns.
func (s *Store) replaceFile(path string, content []byte, durable bool) error {
	f, err := os.CreateTemp(filepath.Join(s.dir, "tmp"), "file-*")
	if err != nil {
		return s.explain(err)
	}
	_, err = f.Write(content)
	if err == nil {
		err = f.Chmod(0o644)
	}
	if err == nil && durable {
		err = f.Sync()
	}
	if closed := f.Close(); err == nil {
		err = closed
	}
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		os.Remove(f.Name())
		return s.explain(err)
	}
	return nil
}

// explain adds to an error what mends it.
func (s *Store) explain(err error) error { return explainFolder(s.dir, err) }

// explainFolder adds to an error of writing into a folder what mends it.
func explainFolder(dir string, err error) error {
	switch {
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		return fmt.Errorf("no space left on device: free some space in %s: %w", dir, err)
	case errors.Is(err, os.ErrPermission):
		return fmt.Errorf("the folder %s cannot be written: change its owner or mode: %w", dir, err)
	}
	return err
}

// hexDigest returns the hexadecimal part of a SHA-256 digest, and whether it is one.
func hexDigest(digest string) (string, bool) {
	h, ok := strings.CutPrefix(digest, "sha256:")
	if !ok || len(h) != 64 || strings.Trim(h, "0123456789abcdef") != "" {
		return "", false
	}
	return h, true
}
