package release

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/twofoldhq/twofold/build"
)

// Prune removes all but the newest keep releases of a service, and the blobs that
// no release needs any more. While another process works in the store, it leaves
// that to the next Prune.
func (s *Store) Prune(service string, keep int) error {
	index, err := s.readIndex()
	if err != nil {
		return err
	}
	if len(newest(index.Manifests, service, keep)) == len(index.Manifests) {
		return nil
	}
	f, err := s.openLock(blobLock)
	if err != nil {
		return err
	}
	defer f.Close()
	if ok, err := tryLock(f, true); !ok {
		return err
	}
	ctx := context.Background()
	err = s.updateIndex(ctx, func(index *layoutIndex) bool {
		index.Manifests = newest(index.Manifests, service, keep)
		return true
	})
	if err != nil {
		return err
	}
	if err := s.collect(ctx); err != nil {
		return fmt.Errorf("release: prune %q: %w", service, err)
	}
	return nil
}

// newest drops all but the last keep releases of a service, for each project.
func newest(list []descriptor, service string, keep int) []descriptor {
	later := map[string]int{} // by project, how many follow
	drop := map[int]bool{}
	for i := len(list) - 1; i >= 0; i-- {
		a := list[i].Annotations
		if a[AnnotationService] != service {
			continue
		}
		drop[i] = later[a[AnnotationProject]] >= keep
		later[a[AnnotationProject]]++
	}
	kept := []descriptor{}
	for i, d := range list {
		if !drop[i] {
			kept = append(kept, d)
		}
	}
	return kept
}

// collect removes the blobs that no release needs, and the records about them.
func (s *Store) collect(ctx context.Context) error {
	index, err := s.readIndex()
	if err != nil {
		return err
	}
	needed := map[string]bool{}
	for _, d := range index.Manifests {
		err := s.walk(ctx, d, func(d descriptor) error {
			needed[string(d.Digest)] = true
			return nil
		})
		// What a damaged release still needs is not known, so it needs nothing: the
		// next build makes it again.
		if err != nil && !errors.Is(err, os.ErrNotExist) && !errors.Is(err, ErrDamaged) {
			return err
		}
	}
	if err := s.collectBases(needed); err != nil {
		return err
	}
	if err := s.collectRecords(needed); err != nil {
		return err
	}
	blobs := filepath.Join(s.dir, "blobs", "sha256")
	return eachFile(blobs, func(e fs.DirEntry) error {
		if needed["sha256:"+e.Name()] {
			return nil
		}
		return os.Remove(filepath.Join(blobs, e.Name()))
	})
}

// collectBases forgets the bases that no release lies upon, and keeps the
// documents of the others.
func (s *Store) collectBases(needed map[string]bool) error {
	dir := filepath.Join(s.dir, "cache", "bases")
	return eachFile(dir, func(e fs.DirEntry) error {
		path := filepath.Join(dir, e.Name())
		if !s.keepBase(path, needed) {
			return os.Remove(path)
		}
		return nil
	})
}

func (s *Store) keepBase(path string, needed map[string]bool) bool {
	raw, err := os.ReadFile(path)
	if err != nil {
		return false
	}
	var known knownImage
	if json.Unmarshal(raw, &known) != nil {
		return false
	}
	p, err := build.ParsePlatform(known.Platform)
	if err != nil {
		return false
	}
	b, ok := s.knownBase(known.Reference, p)
	if !ok {
		return false
	}
	for _, l := range b.layers {
		if !needed[string(l.Digest)] {
			return false
		}
	}
	needed[string(known.Manifest.Digest)] = true
	needed[b.configDigest] = true
	return true
}

// collectRecords forgets how releases were made that are no longer there.
func (s *Store) collectRecords(needed map[string]bool) error {
	dir := filepath.Join(s.dir, "cache", "releases")
	return eachFile(dir, func(e fs.DirEntry) error {
		path := filepath.Join(dir, e.Name())
		raw, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		var rec record
		if json.Unmarshal(raw, &rec) == nil && needed[string(rec.Release.Digest)] {
			return nil
		}
		return os.Remove(path)
	})
}

func eachFile(dir string, visit func(fs.DirEntry) error) error {
	list, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, e := range list {
		if err := visit(e); err != nil {
			return err
		}
	}
	return nil
}
