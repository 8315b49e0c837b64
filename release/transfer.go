package release

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// OpenLayout returns the release in an OCI image layout, whoever wrote it. The
// layout is only read. If it holds several, ref chooses one as Store.Find does.
func OpenLayout(dir, ref string) (*Release, error) {
	abs, err := filepath.Abs(dir)
	if err != nil {
		return nil, fmt.Errorf("release: open layout %q: %w", dir, err)
	}
	s := &Store{dir: abs, foreign: true, adapter: embeddedAdapter, resolver: embeddedResolver, limit: BundleLimit}
	index, err := s.readIndex()
	if err != nil {
		return nil, err
	}
	if ref != "" {
		return s.Find(ref)
	}
	releases := without(index.Manifests, func(d descriptor) bool { return d.MediaType != ocispec.MediaTypeImageIndex })
	switch len(releases) {
	case 0:
		return nil, fmt.Errorf("release: open layout %q: %w: it has no image index", dir, ErrNotFound)
	case 1:
		return s.load(releases[0])
	}
	return nil, fmt.Errorf("release: open layout %q: it has %d releases: name one by its digest", dir, len(releases))
}

// Push copies a release to a registry, as that reference, and returns the
// reference with the digest of the index. What the registry has is not sent again.
func Push(ctx context.Context, r *Release, ref string) (string, error) {
	parsed, err := name.ParseReference(ref)
	if err != nil {
		return "", fmt.Errorf("release: push: %q is no reference: %w", ref, err)
	}
	if d, ok := parsed.(name.Digest); ok && d.DigestStr() != r.Digest {
		return "", fmt.Errorf("release: push: %q names another digest than %s", ref, r.Digest)
	}
	unlock, err := r.store.lock(ctx, blobLock, false)
	if err != nil {
		return "", err
	}
	defer unlock()
	index, err := r.imageIndex()
	if err != nil {
		return "", fmt.Errorf("release: push %q: %w", ref, err)
	}
	if err := remote.WriteIndex(parsed, index, remoteOptions(ctx)...); err != nil {
		return "", fmt.Errorf("release: push %q: %w", ref, explainRegistry(parsed, err))
	}
	return parsed.Context().Name() + "@" + r.Digest, nil
}

// imageIndex is the release as go-containerregistry sees it.
func (r *Release) imageIndex() (v1.ImageIndex, error) {
	all, err := layout.ImageIndexFromPath(r.store.dir)
	if err != nil {
		return nil, err
	}
	hash, err := v1.NewHash(r.Digest)
	if err != nil {
		return nil, err
	}
	return all.ImageIndex(hash)
}

// Pull copies a release from a registry into a store, as the newest one of its
// service. Each blob is checked against its digest.
func Pull(ctx context.Context, ref string, s *Store) (*Release, error) {
	parsed, err := name.ParseReference(ref)
	if err != nil {
		return nil, fmt.Errorf("release: pull: %q is no reference: %w", ref, err)
	}
	unlock, err := s.lock(ctx, blobLock, false)
	if err != nil {
		return nil, err
	}
	defer unlock()
	r, err := s.pullRelease(ctx, parsed)
	if err != nil {
		return nil, fmt.Errorf("release: pull %q: %w", ref, trimRoom(err))
	}
	return r, s.setNewest(ctx, r)
}

func (s *Store) pullRelease(ctx context.Context, ref name.Reference) (*Release, error) {
	d, err := remote.Get(ref, remoteOptions(ctx)...)
	if err != nil {
		return nil, explainRegistry(ref, err)
	}
	if len(d.Manifest) > maxDocument {
		return nil, errors.New("its manifest is too large")
	}
	index, err := parseIndex(d.Manifest)
	if err != nil {
		return nil, err
	}
	for _, m := range index.Manifests {
		if err := s.pullForm(ctx, ref, m); err != nil {
			return nil, err
		}
	}
	stored, err := s.put(ocispec.MediaTypeImageIndex, d.Manifest)
	if err != nil {
		return nil, err
	}
	if stored.Digest != digest.Digest(d.Digest.String()) {
		return nil, fmt.Errorf("the registry sent %s for %s: %w", stored.Digest, d.Digest, ErrDamaged)
	}
	return s.load(stored)
}

// pullForm copies a form's blobs and then its manifest.
func (s *Store) pullForm(ctx context.Context, ref name.Reference, d descriptor) error {
	got, err := remote.Get(ref.Context().Digest(string(d.Digest)), remoteOptions(ctx)...)
	if err != nil {
		return explainRegistry(ref, err)
	}
	m, err := parseManifest(got.Manifest)
	if err != nil {
		return fmt.Errorf("manifest %s: %w", d.Digest, err)
	}
	if err := s.pullLayers(ctx, ref, append([]descriptor{m.Config}, m.Layers...)); err != nil {
		return err
	}
	stored, err := s.put(d.MediaType, got.Manifest)
	if err == nil && stored.Digest != d.Digest {
		err = fmt.Errorf("the registry sent %s for %s: %w", stored.Digest, d.Digest, ErrDamaged)
	}
	return err
}
