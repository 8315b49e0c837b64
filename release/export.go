package release

import (
	"archive/tar"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	specs "github.com/opencontainers/image-spec/specs-go"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// WriteBundle writes a bundle's zip.
func (r *Release) WriteBundle(ctx context.Context, f Form, w io.Writer) error {
	m, err := r.formManifest(f, Bundle)
	if err != nil {
		return err
	}
	blob, err := r.store.open(m.Layers[0])
	if err != nil {
		return err
	}
	defer blob.Close()
	_, err = io.Copy(w, reader{ctx, blob})
	return err
}

// formManifest reads the manifest of a form, which must be of that kind.
func (r *Release) formManifest(f Form, k Kind) (*ocispec.Manifest, error) {
	if f.Kind != k {
		return nil, fmt.Errorf("release: %s for %s is no %s", f.Kind, f.Platform, k)
	}
	index, err := r.indexDocument()
	if err != nil {
		return nil, err
	}
	for _, d := range index.Manifests {
		if string(d.Digest) != f.Digest {
			continue
		}
		m, err := r.store.manifest(d)
		if err != nil {
			return nil, err
		}
		if k == Bundle && (len(m.Layers) != 1 || m.Layers[0].MediaType != BundleLayerType) {
			return nil, fmt.Errorf("release: bundle %s: it has not one %s layer", f.Digest, BundleLayerType)
		}
		return m, nil
	}
	return nil, fmt.Errorf("release: %s has no %s %s", r.name(), k, f.Digest)
}

func (r *Release) indexDocument() (*ocispec.Index, error) {
	raw, err := r.store.document(r.index)
	if err != nil {
		return nil, err
	}
	index, err := parseIndex(raw)
	if err != nil {
		return nil, fmt.Errorf("release: read index %s: %w", r.Digest, err)
	}
	return index, nil
}

// WriteLayout writes the release alone as an OCI image layout into dir, which is
// missing, empty, or a layout that is replaced. If it fails, dir is as it was.
func (r *Release) WriteLayout(ctx context.Context, dir string) error {
	unlock, err := r.store.lock(ctx, blobLock, false)
	if err != nil {
		return err
	}
	defer unlock()
	if err := r.replaceLayout(ctx, filepath.Clean(dir)); err != nil {
		return fmt.Errorf("release: write layout %q: %w", dir, explainFolder(filepath.Dir(dir), trimRoom(err)))
	}
	return nil
}

func (r *Release) replaceLayout(ctx context.Context, dir string) error {
	if err := replaceable(dir); err != nil {
		return err
	}
	made, err := os.MkdirTemp(filepath.Dir(dir), "."+filepath.Base(dir)+"-*")
	if err != nil {
		return err
	}
	defer os.RemoveAll(made)
	if err := os.Chmod(made, 0o755); err != nil {
		return err
	}
	if err := r.writeLayout(ctx, made); err != nil {
		return err
	}
	old := made + ".old"
	if err := os.Rename(dir, old); err == nil {
		defer os.RemoveAll(old)
	} else if !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return os.Rename(made, dir)
}

// replaceable reports whether a folder holds nothing that is not of a layout.
func replaceable(dir string) error {
	list, err := os.ReadDir(dir)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	for _, e := range list {
		switch e.Name() {
		case "blobs", "index.json", "oci-layout":
		default:
			return fmt.Errorf("the folder holds %q, which is not of a layout: name another folder", e.Name())
		}
	}
	return err
}

func (r *Release) writeLayout(ctx context.Context, dir string) error {
	for _, folder := range []string{filepath.Join(dir, "blobs"), filepath.Join(dir, "blobs", "sha256")} {
		if err := makeFolder(folder); err != nil {
			return err
		}
	}
	err := r.blobs(ctx, func(d descriptor) error {
		blob, err := r.store.open(d)
		if err != nil {
			return err
		}
		defer blob.Close()
		return writeFile(filepath.Join(dir, "blobs", "sha256", d.Digest.Encoded()), reader{ctx, blob})
	})
	if err != nil {
		return err
	}
	d := r.index
	d.Annotations = map[string]string{
		AnnotationProject: r.Project, AnnotationService: r.Service, ocispec.AnnotationRefName: r.Service,
	}
	index, err := canonical(layoutOf(d))
	if err != nil {
		return err
	}
	if err := writeFile(filepath.Join(dir, "index.json"), strings.NewReader(string(index))); err != nil {
		return err
	}
	return writeFile(filepath.Join(dir, "oci-layout"), strings.NewReader(layoutMarker))
}

// layoutOf is the index.json of a layout that holds d.
func layoutOf(d descriptor) layoutIndex {
	return layoutIndex{
		Versioned: specs.Versioned{SchemaVersion: 2}, MediaType: ocispec.MediaTypeImageIndex, Manifests: []descriptor{d},
	}
}

// writeFile writes a file that others may read, whatever the umask.
func writeFile(path string, content io.Reader) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return err
	}
	_, err = io.Copy(f, content)
	if err == nil {
		err = f.Chmod(0o644)
	}
	if closed := f.Close(); err == nil {
		err = closed
	}
	return err
}

// dockerManifest is an entry of the manifest.json that docker load reads.
type dockerManifest struct {
	Config   string
	RepoTags []string
	Layers   []string
}

// WriteImageTar writes an image as a tar that docker load takes, with that tag. It
// is an OCI image layout at the same time. The same image and tag always give the
// same bytes.
func (r *Release) WriteImageTar(ctx context.Context, f Form, tag string, w io.Writer) error {
	return r.WriteImageTarWithout(ctx, f, tag, 0, w)
}

// WriteImageTarWithout is WriteImageTar for an engine that has the first skip layers of
// the image, as they are, at the bottom of another one: their content is left out.
func (r *Release) WriteImageTarWithout(ctx context.Context, f Form, tag string, skip int, w io.Writer) error {
	unlock, err := r.store.lock(ctx, blobLock, false)
	if err != nil {
		return err
	}
	defer unlock()
	m, err := r.formManifest(f, Image)
	if err != nil {
		return err
	}
	ref, err := name.NewTag(tag)
	if err != nil {
		return fmt.Errorf("release: write image: tag %q: %w", tag, err)
	}
	d, err := r.formDescriptor(f)
	if err != nil {
		return err
	}
	docker := dockerManifest{Config: blobName(m.Config), RepoTags: []string{familiar(ref)}}
	list := []descriptor{d, m.Config}
	seen := map[string]bool{}
	for n, l := range m.Layers {
		docker.Layers = append(docker.Layers, blobName(l))
		if n >= skip && !seen[string(l.Digest)] {
			seen[string(l.Digest)] = true
			list = append(list, l)
		}
	}
	d.Annotations = map[string]string{
		"io.containerd.image.name": canonicalName(ref), ocispec.AnnotationRefName: ref.TagStr(),
	}
	t := tar.NewWriter(w)
	if err := r.writeImageTar(ctx, t, d, docker, list); err != nil {
		return fmt.Errorf("release: write image %q: %w", tag, trimRoom(err))
	}
	if err := t.Close(); err != nil {
		return fmt.Errorf("release: write image %q: %w", tag, err)
	}
	return nil
}

func (r *Release) writeImageTar(ctx context.Context, t *tar.Writer, d descriptor, docker dockerManifest, list []descriptor) error {
	index, err := canonical(layoutOf(d))
	if err != nil {
		return err
	}
	manifests, err := canonical([]dockerManifest{docker})
	if err != nil {
		return err
	}
	for _, dir := range []string{"blobs/", "blobs/sha256/"} {
		if err := t.WriteHeader(&tar.Header{Typeflag: tar.TypeDir, Name: dir, Mode: 0o755, ModTime: time.Unix(0, 0)}); err != nil {
			return err
		}
	}
	for _, d := range list {
		blob, err := r.store.open(d)
		if err != nil {
			return err
		}
		err = tarFile(t, blobName(d), d.Size, reader{ctx, blob})
		blob.Close()
		if err != nil {
			return err
		}
	}
	for _, f := range []struct{ name, content string }{
		{"index.json", string(index)}, {"manifest.json", string(manifests)}, {"oci-layout", layoutMarker},
	} {
		if err := tarFile(t, f.name, int64(len(f.content)), strings.NewReader(f.content)); err != nil {
			return err
		}
	}
	return nil
}

func tarFile(t *tar.Writer, name string, size int64, content io.Reader) error {
	if err := t.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: name, Mode: 0o644, Size: size, ModTime: time.Unix(0, 0)}); err != nil {
		return err
	}
	_, err := io.Copy(t, content)
	return err
}

// formDescriptor returns a form's descriptor without its annotations.
func (r *Release) formDescriptor(f Form) (descriptor, error) {
	index, err := r.indexDocument()
	if err != nil {
		return descriptor{}, err
	}
	for _, d := range index.Manifests {
		if string(d.Digest) == f.Digest {
			d.Annotations = nil
			return d, nil
		}
	}
	return descriptor{}, errors.New("the release does not have it")
}

func blobName(d descriptor) string { return "blobs/sha256/" + d.Digest.Encoded() }

// familiar is a tag as Docker shows it: without its default registry.
func familiar(t name.Tag) string {
	repo := t.Context()
	if repo.RegistryStr() != name.DefaultRegistry {
		return t.Name()
	}
	return strings.TrimPrefix(repo.RepositoryStr(), "library/") + ":" + t.TagStr()
}

// canonicalName is a tag with Docker's default registry written out.
func canonicalName(t name.Tag) string {
	if t.Context().RegistryStr() != name.DefaultRegistry {
		return t.Name()
	}
	return "docker.io/" + t.Context().RepositoryStr() + ":" + t.TagStr()
}

// reader ends reading when its context does.
type reader struct {
	ctx context.Context
	r   io.Reader
}

func (r reader) Read(b []byte) (int, error) {
	if err := r.ctx.Err(); err != nil {
		return 0, err
	}
	return r.r.Read(b)
}
