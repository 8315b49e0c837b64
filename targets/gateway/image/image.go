// Package image makes the image of the gateway's program, which holds nothing else. It
// is the same bytes on every machine.
package image

import (
	"archive/tar"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/types"
	"github.com/klauspost/compress/gzip"

	"github.com/twofoldhq/twofold/release/base"
	"github.com/twofoldhq/twofold/targets/gateway"
	"github.com/twofoldhq/twofold/targets/gateway/binaries"
)

// user is the number of base.User.
const user = 65532

// Version changes with the image for that processor, in Go's name; it fits into a tag.
func Version(arch string) (string, error) {
	program, err := binaries.Digest(arch)
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256([]byte(base.Digest + program))
	const length = 6
	return hex.EncodeToString(sum[:length]), nil
}

// Make makes the image for linux on that processor, in Go's name.
func Make(arch string) (v1.Image, error) {
	program, err := binaries.Program(arch)
	if err != nil {
		return nil, err
	}
	var ground bytes.Buffer
	if _, err := base.Write(&ground); err != nil {
		return nil, err
	}
	content, err := programLayer(program)
	if err != nil {
		return nil, err
	}
	made := mutate.ConfigMediaType(mutate.MediaType(empty.Image, types.OCIManifestSchema1), types.OCIConfigJSON)
	for _, layer := range [][]byte{ground.Bytes(), content} {
		l, err := tarball.LayerFromOpener(func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(layer)), nil }, tarball.WithMediaType(types.OCILayer))
		if err != nil {
			return nil, err
		}
		if made, err = mutate.AppendLayers(made, l); err != nil {
			return nil, err
		}
	}
	config, err := made.ConfigFile()
	if err != nil {
		return nil, err
	}
	config = config.DeepCopy()
	config.OS, config.Architecture, config.Created = "linux", arch, v1.Time{Time: time.Unix(0, 0).UTC()}
	config.Config = v1.Config{
		User: base.User, WorkingDir: "/", Env: []string{"PATH=" + base.Path}, Entrypoint: []string{gateway.Program},
		Labels: map[string]string{"org.opencontainers.image.title": "twofold gateway"},
	}
	return mutate.ConfigFile(made, config)
}

// MakeIndex makes the image for all processors.
func MakeIndex() (v1.ImageIndex, error) {
	index := mutate.IndexMediaType(empty.Index, types.OCIImageIndex)
	for _, arch := range binaries.Architectures() {
		made, err := Make(arch)
		if err != nil {
			return nil, fmt.Errorf("for %s: %w", arch, err)
		}
		index = mutate.AppendManifests(index, mutate.IndexAddendum{
			Add: made, Descriptor: v1.Descriptor{Platform: &v1.Platform{OS: "linux", Architecture: arch}},
		})
	}
	return index, nil
}

// programLayer is a packed tar of the program and of the folder that a volume keeps,
// which the gateway's user owns.
func programLayer(program []byte) ([]byte, error) {
	var b bytes.Buffer
	// Not that of the standard library, whose bytes may change with the Go release.
	packed := gzip.NewWriter(&b)
	w := tar.NewWriter(packed)
	for _, h := range []*tar.Header{
		{Typeflag: tar.TypeReg, Name: gateway.Program[1:], Mode: 0o755, Size: int64(len(program))},
		{Typeflag: tar.TypeDir, Name: gateway.Dir[1:] + "/", Mode: 0o700, Uid: user, Gid: user},
	} {
		h.ModTime = time.Unix(0, 0)
		if err := w.WriteHeader(h); err != nil {
			return nil, err
		}
		if h.Typeflag == tar.TypeReg {
			if _, err := w.Write(program); err != nil {
				return nil, err
			}
		}
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	if err := packed.Close(); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}
