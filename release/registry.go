package release

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"
	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"golang.org/x/sync/errgroup"

	"github.com/twofoldhq/twofold/build"
)

func remoteOptions(ctx context.Context) []remote.Option {
	return []remote.Option{
		remote.WithContext(ctx),
		remote.WithAuthFromKeychain(authn.DefaultKeychain),
		remote.WithUserAgent("twofold"),
	}
}

// pullBase copies an image of a registry into the store and remembers what the
// reference stood for. pinned is the reference with its digest, or "" if it has one.
func (s *Store) pullBase(ctx context.Context, ref string, p build.Platform) (b baseImage, pinned string, err error) {
	parsed, err := name.ParseReference(ref)
	if err != nil {
		return b, "", fmt.Errorf("it is no reference of an image: %w", err)
	}
	d, err := remote.Get(parsed, remoteOptions(ctx)...)
	if err != nil {
		return b, "", explainRegistry(parsed, err)
	}
	manifest, err := s.pullPlatform(ctx, parsed, d, p)
	if err != nil {
		return b, "", err
	}
	if b, err = s.readBase(ref, manifest); err != nil {
		return b, "", err
	}
	if b.config.OS != p.OS || b.config.Architecture != p.Arch {
		return b, "", fmt.Errorf("it is an image for %s/%s: choose one that has %s", b.config.OS, b.config.Architecture, p)
	}
	if err := s.pullLayers(ctx, parsed, b.layers); err != nil {
		return b, "", err
	}
	known, err := canonical(knownImage{Reference: ref, Platform: p.String(), Manifest: manifest})
	if err != nil {
		return b, "", err
	}
	return b, pinnedReference(ref, parsed, d.Digest.String()), s.replaceFile(s.knownPath(ref, p), known, false)
}

// pullPlatform copies the manifest and the config of the image for a platform.
func (s *Store) pullPlatform(ctx context.Context, ref name.Reference, d *remote.Descriptor, p build.Platform) (descriptor, error) {
	raw, mediaType := d.Manifest, d.MediaType
	if d.MediaType.IsIndex() {
		var index v1.IndexManifest
		if err := json.Unmarshal(d.Manifest, &index); err != nil {
			return descriptor{}, fmt.Errorf("its index cannot be read: %w", err)
		}
		child, err := choosePlatform(index.Manifests, p)
		if err != nil {
			return descriptor{}, err
		}
		c, err := remote.Get(ref.Context().Digest(child.Digest.String()), remoteOptions(ctx)...)
		if err != nil {
			return descriptor{}, explainRegistry(ref, err)
		}
		raw, mediaType = c.Manifest, c.MediaType
	}
	if !mediaType.IsImage() {
		return descriptor{}, fmt.Errorf("it has the type %q, which is no image", mediaType)
	}
	var m ocispec.Manifest
	if err := json.Unmarshal(raw, &m); err != nil {
		return descriptor{}, fmt.Errorf("its manifest cannot be read: %w", err)
	}
	if err := s.pullBlob(ctx, ref, m.Config); err != nil {
		return descriptor{}, err
	}
	return s.put(string(mediaType), raw)
}

// choosePlatform picks the image for a platform from an index.
func choosePlatform(list []v1.Descriptor, p build.Platform) (v1.Descriptor, error) {
	var have []string
	for _, d := range list {
		if d.Platform == nil || d.Platform.OS == "unknown" {
			continue
		}
		// The oldest variant that each architecture has is what we build for.
		v := d.Platform.Variant
		if d.Platform.OS == p.OS && d.Platform.Architecture == p.Arch && (v == "" || v == "v8" || v == "v1") {
			return d, nil
		}
		have = append(have, d.Platform.String())
	}
	return v1.Descriptor{}, fmt.Errorf("it has no image for %s, only for %s: choose another base, or build for these platforms", p, strings.Join(have, ", "))
}

// pullLayers copies layers that the store does not have.
func (s *Store) pullLayers(ctx context.Context, ref name.Reference, layers []descriptor) error {
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(4)
	for _, l := range layers {
		g.Go(func() error { return s.pullBlob(ctx, ref, l) })
	}
	return g.Wait()
}

// pullBlob copies a blob that the store does not have.
func (s *Store) pullBlob(ctx context.Context, ref name.Reference, d descriptor) error {
	if err := checkDescriptor(d); err != nil {
		return err
	}
	if s.has(d) {
		return nil
	}
	layer, err := remote.Layer(ref.Context().Digest(string(d.Digest)), remoteOptions(ctx)...)
	if err != nil {
		return explainRegistry(ref, err)
	}
	r, err := layer.Compressed()
	if err != nil {
		return explainRegistry(ref, err)
	}
	defer r.Close()
	w, err := s.newBlob()
	if err != nil {
		return err
	}
	defer w.abort()
	// One byte more than there should be tells a blob that is too long.
	if _, err := io.Copy(w, io.LimitReader(r, d.Size+1)); err != nil {
		return explainRegistry(ref, err)
	}
	if got := digest.NewDigest(digest.SHA256, w.h); got != d.Digest || w.n != d.Size {
		return fmt.Errorf("the registry sent %d bytes of %s for %s: %w", w.n, got, d.Digest, ErrDamaged)
	}
	_, err = w.commit(d.MediaType)
	return err
}

// explainRegistry says of an error of a registry what mends it.
func explainRegistry(ref name.Reference, err error) error {
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	host := ref.Context().RegistryStr()
	var answer *transport.Error
	if errors.As(err, &answer) {
		switch answer.StatusCode {
		case http.StatusUnauthorized, http.StatusForbidden:
			return fmt.Errorf("%s refuses access: log in with \"docker login %s\", or check the name: %w", host, host, err)
		case http.StatusNotFound:
			return fmt.Errorf("%s does not have it: check the name and the tag: %w", host, err)
		case http.StatusTooManyRequests:
			return fmt.Errorf("%s takes no more requests for now: log in with \"docker login %s\", or wait: %w", host, host, err)
		}
		return fmt.Errorf("%s: %w", host, err)
	}
	var network net.Error
	var lookup *net.DNSError
	if errors.As(err, &lookup) || errors.As(err, &network) {
		return fmt.Errorf("%s cannot be reached: check the network, or use an image of a registry that can: %w", host, err)
	}
	return err
}
