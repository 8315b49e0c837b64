package release

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/twofoldhq/twofold/build"
)

// ErrNotFound is a release that is not in the store.
var ErrNotFound = errors.New("no such release")

// Find returns the release that ref names: an index digest, a unique prefix of
// one ("sha256:1f2e..." or "1f2e..."), or a service ("api", or "shop/api" where two
// projects have one of that name), for its newest release. The error of one that
// is not there wraps ErrNotFound.
func (s *Store) Find(ref string) (*Release, error) {
	index, err := s.readIndex()
	if err != nil {
		return nil, err
	}
	d, err := find(index, ref)
	if err != nil {
		return nil, fmt.Errorf("release: find %q: %w", ref, err)
	}
	return s.load(d)
}

// find picks the descriptor that ref names.
func find(index *layoutIndex, ref string) (descriptor, error) {
	projects := map[string]descriptor{}
	for _, d := range index.Manifests {
		project, service := d.Annotations[AnnotationProject], d.Annotations[AnnotationService]
		if service != "" && (ref == service || ref == project+"/"+service) {
			projects[project] = d // the last one is the newest
		}
	}
	if len(projects) > 1 {
		return descriptor{}, fmt.Errorf("projects %s have a service of that name: write PROJECT/%s", strings.Join(sortedKeys(projects), ", "), ref)
	}
	for _, d := range projects {
		return d, nil
	}
	prefix := strings.TrimPrefix(ref, "sha256:")
	var found []descriptor
	if len(prefix) >= 4 && strings.Trim(prefix, "0123456789abcdef") == "" {
		for _, d := range index.Manifests {
			if strings.HasPrefix(d.Digest.Encoded(), prefix) {
				found = append(found, d)
			}
		}
	}
	switch len(found) {
	case 1:
		return found[0], nil
	case 0:
		return descriptor{}, fmt.Errorf("%w: %s", ErrNotFound, listReleases(index))
	}
	return descriptor{}, fmt.Errorf("%d releases begin like that: write more of the digest", len(found))
}

// listReleases says what the store holds.
func listReleases(index *layoutIndex) string {
	services := map[string]bool{}
	for _, d := range index.Manifests {
		if s := d.Annotations[AnnotationService]; s != "" {
			services[s] = true
		}
	}
	if len(services) == 0 {
		return "nothing has been built here yet: run twofold build"
	}
	return "there are releases of " + strings.Join(sortedKeys(services), ", ")
}

// load reads a release that is in the store.
func (s *Store) load(d descriptor) (*Release, error) {
	raw, err := s.document(d)
	if errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("release: %w: %s is not in %s", ErrNotFound, d.Digest, s.dir)
	}
	if err != nil {
		return nil, err
	}
	index, err := parseIndex(raw)
	if err != nil {
		return nil, fmt.Errorf("release: read index %s: %w", d.Digest, err)
	}
	r := &Release{
		Digest: string(d.Digest), store: s, index: descriptor{MediaType: ocispec.MediaTypeImageIndex, Digest: d.Digest, Size: d.Size},
		Project: index.Annotations[AnnotationProject], Service: index.Annotations[AnnotationService],
	}
	for _, m := range index.Manifests {
		manifest, err := s.manifest(m)
		if err != nil {
			return nil, err
		}
		if f, ok := form(m, manifest); ok {
			r.Forms = append(r.Forms, f)
		}
	}
	return r, nil
}

// parseIndex reads the index of a release.
func parseIndex(raw []byte) (*ocispec.Index, error) {
	var index ocispec.Index
	if err := json.Unmarshal(raw, &index); err != nil {
		return nil, err
	}
	if index.MediaType != ocispec.MediaTypeImageIndex || index.SchemaVersion != 2 {
		return nil, fmt.Errorf("%q (schema version %d) is no OCI image index", index.MediaType, index.SchemaVersion)
	}
	if v := index.Annotations[AnnotationFormat]; v != FormatVersion {
		if v == "" {
			return nil, errors.New("it is no release of twofold")
		}
		return nil, fmt.Errorf("it has format version %q, this twofold reads %s: install a newer twofold", v, FormatVersion)
	}
	for _, d := range index.Manifests {
		if err := checkDescriptor(d); err != nil {
			return nil, err
		}
	}
	return &index, nil
}

// manifest reads the manifest of a form.
func (s *Store) manifest(d descriptor) (*ocispec.Manifest, error) {
	raw, err := s.document(d)
	if err != nil {
		return nil, err
	}
	m, err := parseManifest(raw)
	if err != nil {
		return nil, fmt.Errorf("release: read manifest %s: %w", d.Digest, err)
	}
	return m, nil
}

func parseManifest(raw []byte) (*ocispec.Manifest, error) {
	var m ocispec.Manifest
	if err := json.Unmarshal(raw, &m); err != nil {
		return nil, err
	}
	if m.MediaType != ocispec.MediaTypeImageManifest || m.SchemaVersion != 2 {
		return nil, fmt.Errorf("%q (schema version %d) is no OCI image manifest", m.MediaType, m.SchemaVersion)
	}
	for _, d := range append([]descriptor{m.Config}, m.Layers...) {
		if err := checkDescriptor(d); err != nil {
			return nil, err
		}
	}
	return &m, nil
}

func checkDescriptor(d descriptor) error {
	if _, ok := hexDigest(string(d.Digest)); !ok {
		return fmt.Errorf("digest %q is not a SHA-256", d.Digest)
	}
	if d.Size < 0 {
		return fmt.Errorf("the size of %s is negative", d.Digest)
	}
	return nil
}

// form describes the form behind a descriptor of the index. It returns false for
// a manifest that is none, such as one that a newer twofold added.
func form(d descriptor, m *ocispec.Manifest) (Form, bool) {
	f := Form{Kind: Image, Digest: string(d.Digest), Tree: m.Annotations[AnnotationTree], Runtime: m.Annotations[AnnotationRuntime]}
	var err error
	switch {
	case m.ArtifactType == BundleArtifactType:
		f.Kind = Bundle
		f.Platform, err = build.ParsePlatform(m.Annotations[AnnotationPlatform])
	case m.ArtifactType == "" && d.Platform != nil:
		f.Platform, err = build.ParsePlatform(d.Platform.OS + "/" + d.Platform.Architecture)
	default:
		return Form{}, false
	}
	for _, l := range m.Layers {
		f.Size += l.Size
	}
	return f, err == nil
}

// walk calls visit with d and with all that it refers to, each document before
// its parts.
func (s *Store) walk(ctx context.Context, d descriptor, visit func(descriptor) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := visit(d); err != nil {
		return err
	}
	switch d.MediaType {
	case ocispec.MediaTypeImageIndex:
		raw, err := s.document(d)
		if err != nil {
			return err
		}
		index, err := parseIndex(raw)
		if err != nil {
			return fmt.Errorf("release: read index %s: %w", d.Digest, err)
		}
		for _, m := range index.Manifests {
			if err := s.walk(ctx, m, visit); err != nil {
				return err
			}
		}
	case ocispec.MediaTypeImageManifest:
		m, err := s.manifest(d)
		if err != nil {
			return err
		}
		for _, part := range append([]descriptor{m.Config}, m.Layers...) {
			if err := visit(part); err != nil {
				return err
			}
		}
	}
	return nil
}
