package release

import (
	"archive/tar"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path"
	"slices"
	"strings"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/partial"
	"github.com/google/go-containerregistry/pkg/v1/types"
	"github.com/klauspost/compress/gzip"
	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/twofoldhq/twofold/release/base"
)

// FunctionDir is the folder of the adapter in an image for function platforms. It
// is at the root, so that its layer changes no folder that a base may have as a link.
const FunctionDir = "/twofold"

// certificatesName is the file in FunctionDir that the program which reads secrets
// trusts as well: slim bases have no certificates.
const certificatesName = "ca-certificates.crt"

// FunctionImage returns an image for function platforms, made of the image form f:
// the same layers, and one more with the adapter and what it must know, in
// FunctionDir. The adapter is the entrypoint. With secrets, the program that reads
// secrets lies beside it.
//
// It is one OCI v1 manifest for one platform with gzip layers, as AWS Lambda wants
// it (developer guide, "Create a Lambda function using a container image",
// requirements), and the same bytes each time for the same twofold. It is computed
// from the store and not written into it: read its layers as long as the release
// is there.
func (r *Release) FunctionImage(ctx context.Context, f Form, secrets bool) (v1.Image, error) {
	image, err := r.functionImage(ctx, f, secrets)
	if err != nil {
		return nil, fmt.Errorf("release: image of %q for function platforms: %w", r.Service, trimRoom(err))
	}
	return partial.CompressedToImage(image)
}

func (r *Release) functionImage(ctx context.Context, f Form, secrets bool) (*functionImage, error) {
	m, err := r.formManifest(f, Image)
	if err != nil {
		return nil, err
	}
	for _, l := range m.Layers {
		if l.MediaType != ocispec.MediaTypeImageLayerGzip {
			return nil, fmt.Errorf("layer %s has the type %s, and function platforms take gzip layers only: choose another base, or one packed with gzip", l.Digest, l.MediaType)
		}
	}
	config, err := r.imageConfig(m)
	if err != nil {
		return nil, err
	}
	layer, diffID, err := r.functionLayer(f, config, secrets)
	if err != nil {
		return nil, err
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	image := &functionImage{ctx: ctx, store: r.store, base: m.Layers, layer: layer}
	if image.config, err = canonical(functionConfig(config, diffID)); err != nil {
		return nil, err
	}
	own := describeBytes(ocispec.MediaTypeImageLayerGzip, layer)
	functional := *m
	functional.Config = describeBytes(ocispec.MediaTypeImageConfig, image.config)
	functional.Layers = append(slices.Clone(m.Layers), own)
	image.manifest, err = canonical(functional)
	return image, err
}

// functionConfig is the config of an image whose app is started by the adapter.
func functionConfig(config *ocispec.Image, diffID string) ocispec.Image {
	c := *config
	c.RootFS.DiffIDs = append(slices.Clone(c.RootFS.DiffIDs), digest.Digest(diffID))
	epoch := time.Unix(0, 0).UTC()
	c.History = append(slices.Clone(c.History), ocispec.History{Created: &epoch, CreatedBy: "twofold", Comment: "adapter for function platforms"})
	c.Config.Entrypoint = []string{path.Join(FunctionDir, AdapterName)}
	c.Config.Cmd = nil
	return c
}

// functionApp is the adapter's config of an image: what the image's own config
// says, with absolute paths. Its environment is there because platforms set some
// of its variables, PATH among them, to values of their own.
func functionApp(config *ocispec.Image) (AppConfig, error) {
	var app AppConfig
	if err := json.Unmarshal([]byte(config.Config.Labels[LabelApp]), &app); err != nil {
		return app, fmt.Errorf("the label %s says not how the app starts: %w", LabelApp, err)
	}
	app.Command = slices.Concat(config.Config.Entrypoint, config.Config.Cmd)
	app.Dir = config.Config.WorkingDir
	if len(app.Command) == 0 || !path.IsAbs(app.Dir) {
		return app, errors.New("the image has no entrypoint, or no absolute working directory")
	}
	app.Env = map[string]string{}
	for _, line := range config.Config.Env {
		if k, v, ok := strings.Cut(line, "="); ok && k != "PORT" {
			app.Env[k] = v
		}
	}
	return app, nil
}

// functionLayer makes the layer, gzipped, and the digest of its tar.
func (r *Release) functionLayer(f Form, config *ocispec.Image, secrets bool) (layer []byte, diffID string, err error) {
	app, err := functionApp(config)
	if err != nil {
		return nil, "", err
	}
	appJSON, err := canonical(app)
	if err != nil {
		return nil, "", err
	}
	programs := []func(string) (adapter, error){r.store.adapter}
	names := []string{AdapterName}
	if secrets {
		programs, names = append(programs, r.store.resolver), append(names, SecretsName)
	}
	var packed bytes.Buffer
	z, err := gzip.NewWriterLevel(&packed, gzip.BestCompression)
	if err != nil {
		return nil, "", err
	}
	z.OS = 255
	diff := sha256.New()
	t := tar.NewWriter(io.MultiWriter(z, diff))
	dir := strings.TrimPrefix(FunctionDir, "/") + "/"
	if err := writeEntry(t, dir, tar.TypeDir, 0o755, nil); err != nil {
		return nil, "", err
	}
	for i, program := range programs {
		p, err := program(f.Platform.Arch)
		if err != nil {
			return nil, "", err
		}
		content, err := unpackProgram(p)
		if err != nil {
			return nil, "", err
		}
		if err := writeEntry(t, dir+names[i], tar.TypeReg, 0o755, content); err != nil {
			return nil, "", err
		}
	}
	if secrets {
		if err := writeEntry(t, dir+certificatesName, tar.TypeReg, 0o644, base.CertificateFile()); err != nil {
			return nil, "", err
		}
	}
	if err := writeEntry(t, dir+AppConfigName, tar.TypeReg, 0o644, appJSON); err != nil {
		return nil, "", err
	}
	if err := t.Close(); err != nil {
		return nil, "", err
	}
	if err := z.Close(); err != nil {
		return nil, "", err
	}
	return packed.Bytes(), "sha256:" + hex.EncodeToString(diff.Sum(nil)), nil
}

func unpackProgram(p adapter) ([]byte, error) {
	z, err := gzip.NewReader(bytes.NewReader(p.Gzip))
	if err != nil {
		return nil, err
	}
	return io.ReadAll(io.LimitReader(z, p.Size+1))
}

func writeEntry(t *tar.Writer, name string, kind byte, mode int64, content []byte) error {
	h := &tar.Header{Typeflag: kind, Name: name, Mode: mode, Size: int64(len(content)), ModTime: time.Unix(0, 0)}
	if err := t.WriteHeader(h); err != nil {
		return err
	}
	_, err := t.Write(content)
	return err
}

func describeBytes(mediaType string, content []byte) descriptor {
	return descriptor{MediaType: mediaType, Digest: digest.FromBytes(content), Size: int64(len(content))}
}

// functionImage gives the parts of the image to whoever copies it to a registry.
type functionImage struct {
	ctx              context.Context
	store            *Store
	base             []descriptor
	layer            []byte
	config, manifest []byte
}

func (i *functionImage) RawConfigFile() ([]byte, error)      { return i.config, nil }
func (i *functionImage) RawManifest() ([]byte, error)        { return i.manifest, nil }
func (i *functionImage) MediaType() (types.MediaType, error) { return types.OCIManifestSchema1, nil }
func (i *functionImage) descriptor() (own ocispec.Descriptor) {
	return describeBytes(ocispec.MediaTypeImageLayerGzip, i.layer)
}

// LayerByDigest returns a layer as it is compressed.
func (i *functionImage) LayerByDigest(h v1.Hash) (partial.CompressedLayer, error) {
	for _, d := range append(slices.Clone(i.base), i.descriptor()) {
		if string(d.Digest) == h.String() {
			return functionImageLayer{image: i, d: d, hash: h}, nil
		}
	}
	return nil, fmt.Errorf("release: the image has no layer %s", h)
}

type functionImageLayer struct {
	image *functionImage
	d     descriptor
	hash  v1.Hash
}

func (l functionImageLayer) Digest() (v1.Hash, error)            { return l.hash, nil }
func (l functionImageLayer) Size() (int64, error)                { return l.d.Size, nil }
func (l functionImageLayer) MediaType() (types.MediaType, error) { return types.OCILayer, nil }

// Compressed opens the layer. A blob of the store is checked as it is read.
func (l functionImageLayer) Compressed() (io.ReadCloser, error) {
	if l.d.Digest == l.image.descriptor().Digest {
		return io.NopCloser(bytes.NewReader(l.image.layer)), nil
	}
	blob, err := l.image.store.open(l.d)
	if err != nil {
		return nil, err
	}
	return struct {
		io.Reader
		io.Closer
	}{reader{l.image.ctx, blob}, blob}, nil
}
