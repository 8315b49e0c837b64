package release

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/twofoldhq/twofold/build"
	"github.com/twofoldhq/twofold/release/base"
)

// base finds what the image of a tree is laid upon, and makes sure that the store
// holds it. warned holds the references that were warned about.
func (s *Store) base(ctx context.Context, spec Spec, t *build.Tree, o Options, warned map[string]bool) (baseImage, error) {
	ref, err := baseReference(spec, t)
	if err != nil {
		return baseImage{}, err
	}
	if ref == "" {
		return s.ownBase()
	}
	if !o.Pull {
		if b, ok := s.knownBase(ref, t.Platform); ok {
			return b, nil
		}
	}
	b, pinned, err := s.pullBase(ctx, ref, t.Platform)
	if err != nil {
		hint := ""
		if spec.Base == "" {
			hint = fmt.Sprintf("; it is the default for the runtime %q: set base = \"IMAGE\" for another one", t.Runtime)
		}
		return baseImage{}, fmt.Errorf("base %q: %w%s", ref, err, hint)
	}
	if pinned != "" && !warned[ref] {
		warned[ref] = true
		o.warn("base %q is a tag, which can move; for the same image every time write base = %q", ref, pinned)
	}
	return b, nil
}

// ownBase makes sure that the layer of twofold's own base is in the store.
func (s *Store) ownBase() (baseImage, error) {
	layer := descriptor{MediaType: ocispec.MediaTypeImageLayerGzip, Digest: base.Digest, Size: base.Size}
	if s.has(layer) {
		return ownBase(layer, base.DiffID), nil
	}
	w, err := s.newBlob()
	if err != nil {
		return baseImage{}, err
	}
	defer w.abort()
	diffID, err := base.Write(w)
	if err != nil {
		return baseImage{}, err
	}
	layer, err = w.commit(ocispec.MediaTypeImageLayerGzip)
	return ownBase(layer, diffID), err
}

// knownImage is what the store remembers of a base.
type knownImage struct {
	Reference string     `json:"reference"`
	Platform  string     `json:"platform"`
	Manifest  descriptor `json:"manifest"`
}

func (s *Store) knownPath(ref string, p build.Platform) string {
	sum := sha256.Sum256([]byte(ref + " " + p.String()))
	return filepath.Join(s.dir, "cache", "bases", hex.EncodeToString(sum[:])+".json")
}

// knownBase returns a base that was pulled before and is still there.
func (s *Store) knownBase(ref string, p build.Platform) (baseImage, bool) {
	raw, err := os.ReadFile(s.knownPath(ref, p))
	if err != nil {
		return baseImage{}, false
	}
	var known knownImage
	if json.Unmarshal(raw, &known) != nil || checkDescriptor(known.Manifest) != nil {
		return baseImage{}, false
	}
	b, err := s.readBase(ref, known.Manifest)
	if err != nil {
		return baseImage{}, false
	}
	for _, l := range b.layers {
		if !s.has(l) {
			return baseImage{}, false
		}
	}
	return b, true
}

// readBase reads the manifest and the config of a base that is in the store.
func (s *Store) readBase(ref string, d descriptor) (baseImage, error) {
	raw, err := s.document(d)
	if err != nil {
		return baseImage{}, err
	}
	var m ocispec.Manifest
	if err := json.Unmarshal(raw, &m); err != nil {
		return baseImage{}, fmt.Errorf("its manifest cannot be read: %w", err)
	}
	b := baseImage{name: ref, digest: string(d.Digest), configDigest: string(m.Config.Digest)}
	if raw, err = s.document(m.Config); err != nil {
		return baseImage{}, err
	}
	if err := json.Unmarshal(raw, &b.config); err != nil {
		return baseImage{}, fmt.Errorf("its config cannot be read: %w", err)
	}
	if len(b.config.RootFS.DiffIDs) != len(m.Layers) {
		return baseImage{}, fmt.Errorf("its config names %d layers, its manifest %d", len(b.config.RootFS.DiffIDs), len(m.Layers))
	}
	for _, l := range m.Layers {
		layer, err := ociLayer(l)
		if err != nil {
			return baseImage{}, err
		}
		b.layers = append(b.layers, layer)
	}
	return b, nil
}

// ociLayer is a base's layer as it stands in our own manifest, which is an OCI
// one: the bytes are the same, Docker has other names for their types.
func ociLayer(l descriptor) (descriptor, error) {
	if err := checkDescriptor(l); err != nil {
		return descriptor{}, err
	}
	types := map[string]string{
		"application/vnd.docker.image.rootfs.diff.tar.gzip": ocispec.MediaTypeImageLayerGzip,
		"application/vnd.docker.image.rootfs.diff.tar":      ocispec.MediaTypeImageLayer,
		ocispec.MediaTypeImageLayerGzip:                     ocispec.MediaTypeImageLayerGzip,
		ocispec.MediaTypeImageLayer:                         ocispec.MediaTypeImageLayer,
		ocispec.MediaTypeImageLayerZstd:                     ocispec.MediaTypeImageLayerZstd,
	}
	t, ok := types[l.MediaType]
	if !ok {
		return descriptor{}, fmt.Errorf("a layer has the type %q, which cannot be used", l.MediaType)
	}
	return descriptor{MediaType: t, Digest: digest.Digest(l.Digest), Size: l.Size}, nil
}

// pinnedReference is a tag's reference with the digest that it has now.
func pinnedReference(ref string, parsed name.Reference, digest string) string {
	if _, ok := parsed.(name.Digest); ok || strings.Contains(ref, "@") {
		return ""
	}
	return ref + "@" + digest
}
