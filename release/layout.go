package release

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	specs "github.com/opencontainers/image-spec/specs-go"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

type (
	descriptor  = ocispec.Descriptor
	layoutIndex = ocispec.Index
)

// readIndex reads the store's index.json: one descriptor a release, the newest
// one of a service last.
func (s *Store) readIndex() (*layoutIndex, error) {
	path := filepath.Join(s.dir, "index.json")
	b, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) && !s.foreign {
		return &layoutIndex{Versioned: specs.Versioned{SchemaVersion: 2}, MediaType: ocispec.MediaTypeImageIndex, Manifests: []descriptor{}}, nil
	}
	if err != nil {
		return nil, fmt.Errorf("release: read the store: %w", err)
	}
	var index layoutIndex
	if err := json.Unmarshal(b, &index); err != nil {
		return nil, fmt.Errorf("release: read %q: %w; remove the folder %s and build again", path, err, s.dir)
	}
	return &index, nil
}

// updateIndex changes index.json. change returns false when nothing is to be done.
func (s *Store) updateIndex(ctx context.Context, change func(*layoutIndex) bool) error {
	unlock, err := s.lock(ctx, indexLock, true)
	if err != nil {
		return err
	}
	defer unlock()
	index, err := s.readIndex()
	if err != nil {
		return err
	}
	if !change(index) {
		return nil
	}
	nameNewest(index)
	b, err := canonical(index)
	if err != nil {
		return err
	}
	if err := s.replaceFile(filepath.Join(s.dir, "index.json"), b, true); err != nil {
		return fmt.Errorf("release: write the store's index: %w", err)
	}
	return nil
}

// nameNewest gives the name of a service, by which other tools find it in the
// layout, to its newest release alone.
func nameNewest(index *layoutIndex) {
	named := map[string]bool{}
	for i := len(index.Manifests) - 1; i >= 0; i-- {
		a := index.Manifests[i].Annotations
		delete(a, ocispec.AnnotationRefName)
		if service := a[AnnotationService]; service != "" && !named[service] {
			named[service] = true
			a[ocispec.AnnotationRefName] = service
		}
	}
}

// setNewest makes a release the newest one of its service.
func (s *Store) setNewest(ctx context.Context, r *Release) error {
	d := descriptor{MediaType: ocispec.MediaTypeImageIndex, Digest: r.index.Digest, Size: r.index.Size, Annotations: map[string]string{
		AnnotationProject: r.Project, AnnotationService: r.Service,
	}}
	newest := func(index *layoutIndex) bool {
		for i := len(index.Manifests) - 1; i >= 0; i-- {
			if m := index.Manifests[i]; sameService(m, d) {
				return m.Digest == d.Digest
			}
		}
		return false
	}
	// The common case needs no lock: nothing has changed.
	if index, err := s.readIndex(); err == nil && newest(index) {
		return nil
	}
	return s.updateIndex(ctx, func(index *layoutIndex) bool {
		if newest(index) {
			return false
		}
		index.Manifests = without(index.Manifests, func(m descriptor) bool { return m.Digest == d.Digest })
		index.Manifests = append(index.Manifests, d)
		return true
	})
}

func sameService(a, b descriptor) bool {
	return a.Annotations[AnnotationProject] == b.Annotations[AnnotationProject] &&
		a.Annotations[AnnotationService] == b.Annotations[AnnotationService]
}

// without returns the descriptors that are not to be dropped.
func without(list []descriptor, drop func(descriptor) bool) []descriptor {
	kept := list[:0]
	for _, d := range list {
		if !drop(d) {
			kept = append(kept, d)
		}
	}
	return kept
}
