package release

import (
	"encoding/json"
	"fmt"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// Layer is one layer of an image.
type Layer struct {
	// DiffID is the digest of its unpacked tar, by which engines know it.
	DiffID string
	// Size is the number of bytes that are transferred.
	Size int64
}

// Layers returns the layers of an image, the lowest first.
func (r *Release) Layers(f Form) ([]Layer, error) {
	m, err := r.formManifest(f, Image)
	if err != nil {
		return nil, err
	}
	raw, err := r.store.document(m.Config)
	if err != nil {
		return nil, err
	}
	var config ocispec.Image
	if err := json.Unmarshal(raw, &config); err != nil {
		return nil, fmt.Errorf("release: read the config of image %s: %w", f.Digest, err)
	}
	ids := config.RootFS.DiffIDs
	if len(ids) != len(m.Layers) {
		return nil, fmt.Errorf("release: image %s: its config names %d layers, its manifest %d", f.Digest, len(ids), len(m.Layers))
	}
	list := make([]Layer, len(ids))
	for n, l := range m.Layers {
		list[n] = Layer{DiffID: string(ids[n]), Size: l.Size}
	}
	return list, nil
}
