package release

import (
	"archive/zip"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/twofoldhq/twofold/release/unpack"
)

// Unpacked is what it takes to start a form that was unpacked.
type Unpacked struct {
	// Command, Dir and Env start an image as its config says; Dir is absolute
	// within the image. User is the config's, such as "65532:65532" or "".
	Command []string
	Dir     string
	Env     []string
	User    string
	// App is a bundle's own config. It is zero for an image.
	App AppConfig
}

// Unpack writes a form's files into dir, which must be empty: an image's whole
// file system, or a bundle's content, which is an error if it takes more than
// BundleLimit. Nothing is ever written outside dir. If it fails, what was written
// remains for the caller to remove.
func (r *Release) Unpack(ctx context.Context, f Form, dir string) (Unpacked, error) {
	unlock, err := r.store.lock(ctx, blobLock, false)
	if err != nil {
		return Unpacked{}, err
	}
	defer unlock()
	u, err := r.unpack(ctx, f, dir)
	if err != nil {
		return Unpacked{}, fmt.Errorf("release: unpack %s of %q: %w", f.Kind, r.Service, explainFolder(dir, trimRoom(err)))
	}
	return u, nil
}

func (r *Release) unpack(ctx context.Context, f Form, dir string) (Unpacked, error) {
	left, err := os.ReadDir(dir)
	if err != nil {
		return Unpacked{}, err
	}
	if len(left) > 0 {
		return Unpacked{}, fmt.Errorf("the folder %s is not empty", dir)
	}
	if f.Kind == Bundle {
		return r.unpackBundle(ctx, f, dir)
	}
	return r.unpackImage(ctx, f, dir)
}

func (r *Release) unpackBundle(ctx context.Context, f Form, dir string) (Unpacked, error) {
	m, err := r.formManifest(f, Bundle)
	if err != nil {
		return Unpacked{}, err
	}
	blob, err := r.store.openWhole(m.Layers[0])
	if err != nil {
		return Unpacked{}, err
	}
	defer blob.Close()
	z, err := zip.NewReader(blob, m.Layers[0].Size)
	if err != nil {
		return Unpacked{}, fmt.Errorf("read the zip: %w", err)
	}
	if err := unpack.Bundle(ctx, z, dir, r.store.limit); err != nil {
		return Unpacked{}, err
	}
	raw, err := os.ReadFile(filepath.Join(dir, AppConfigName))
	if err != nil {
		return Unpacked{}, err
	}
	var u Unpacked
	if err := json.Unmarshal(raw, &u.App); err != nil {
		return Unpacked{}, fmt.Errorf("read %s: %w", AppConfigName, err)
	}
	return u, nil
}

func (r *Release) unpackImage(ctx context.Context, f Form, dir string) (Unpacked, error) {
	m, err := r.formManifest(f, Image)
	if err != nil {
		return Unpacked{}, err
	}
	config, err := r.imageConfig(m)
	if err != nil {
		return Unpacked{}, err
	}
	fs, err := unpack.NewImage(dir)
	if err != nil {
		return Unpacked{}, err
	}
	defer fs.Close()
	for _, l := range m.Layers {
		if err := r.unpackLayer(ctx, fs, l); err != nil {
			return Unpacked{}, fmt.Errorf("layer %s: %w", l.Digest, err)
		}
	}
	if err := fs.Finish(); err != nil {
		return Unpacked{}, err
	}
	c := config.Config
	return Unpacked{Command: append(append([]string{}, c.Entrypoint...), c.Cmd...), Dir: c.WorkingDir, Env: c.Env, User: c.User}, nil
}

func (r *Release) imageConfig(m *ocispec.Manifest) (*ocispec.Image, error) {
	raw, err := r.store.document(m.Config)
	if err != nil {
		return nil, err
	}
	var config ocispec.Image
	if err := json.Unmarshal(raw, &config); err != nil {
		return nil, fmt.Errorf("read the image's config: %w", err)
	}
	return &config, nil
}

func (r *Release) unpackLayer(ctx context.Context, fs *unpack.Image, l descriptor) error {
	blob, err := r.store.open(l)
	if err != nil {
		return err
	}
	defer blob.Close()
	return fs.Layer(ctx, reader{ctx, blob})
}
