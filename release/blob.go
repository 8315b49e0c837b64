package release

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"os"
	"path/filepath"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// maxDocument is the largest manifest, index or config that is read.
const maxDocument = 4 << 20

// ErrDamaged is a blob whose content is not what its digest says.
var ErrDamaged = errors.New("the content is not what the digest says")

// blobPath is where a blob lies. The digest is a valid one.
func (s *Store) blobPath(digest string) string {
	h, _ := hexDigest(digest)
	return filepath.Join(s.dir, "blobs", "sha256", h)
}

// has reports whether the store holds a blob of that digest and size, which is
// known without reading it.
func (s *Store) has(d ocispec.Descriptor) bool {
	if _, ok := hexDigest(string(d.Digest)); !ok {
		return false
	}
	info, err := os.Lstat(s.blobPath(string(d.Digest)))
	return err == nil && info.Mode().IsRegular() && info.Size() == d.Size
}

// blobWriter writes a blob whose digest is known at its end only.
type blobWriter struct {
	s *Store
	f *os.File
	h hash.Hash
	n int64
}

// newBlob starts a blob. The caller holds blobLock and ends it by commit, abort,
// or both, in that order.
func (s *Store) newBlob() (*blobWriter, error) {
	f, err := os.CreateTemp(filepath.Join(s.dir, "tmp"), "blob-*")
	if err != nil {
		return nil, fmt.Errorf("release: write into the store: %w", s.explain(err))
	}
	return &blobWriter{s: s, f: f, h: sha256.New()}, nil
}

func (w *blobWriter) Write(b []byte) (int, error) {
	n, err := w.f.Write(b)
	w.h.Write(b[:n])
	w.n += int64(n)
	if err != nil {
		err = fmt.Errorf("release: write into the store: %w", w.s.explain(err))
	}
	return n, err
}

// commit puts the blob in its place and returns its descriptor, of that type.
func (w *blobWriter) commit(mediaType string) (ocispec.Descriptor, error) {
	d := ocispec.Descriptor{MediaType: mediaType, Digest: digest.NewDigest(digest.SHA256, w.h), Size: w.n}
	err := w.f.Chmod(0o644)
	if closed := w.f.Close(); err == nil {
		err = closed
	}
	if err == nil {
		err = os.Rename(w.f.Name(), w.s.blobPath(string(d.Digest)))
	}
	if err != nil {
		os.Remove(w.f.Name())
		return ocispec.Descriptor{}, fmt.Errorf("release: write into the store: %w", w.s.explain(err))
	}
	w.f = nil
	return d, nil
}

// abort removes what was written, unless it was committed.
func (w *blobWriter) abort() {
	if w.f != nil {
		w.f.Close()
		os.Remove(w.f.Name())
		w.f = nil
	}
}

// put stores a small blob.
func (s *Store) put(mediaType string, content []byte) (ocispec.Descriptor, error) {
	sum := sha256.Sum256(content)
	d := ocispec.Descriptor{MediaType: mediaType, Digest: digest.NewDigestFromBytes(digest.SHA256, sum[:]), Size: int64(len(content))}
	if s.has(d) {
		// Small enough to look whether it is whole, after a power failure.
		if have, err := os.ReadFile(s.blobPath(string(d.Digest))); err == nil && bytes.Equal(have, content) {
			return d, nil
		}
	}
	if err := s.replaceFile(s.blobPath(string(d.Digest)), content, false); err != nil {
		return d, fmt.Errorf("release: write into the store: %w", err)
	}
	return d, nil
}

// open opens a blob. Reading it to its end returns an error that wraps ErrDamaged
// if it has not the digest and size that d says.
func (s *Store) open(d ocispec.Descriptor) (io.ReadCloser, error) {
	if _, ok := hexDigest(string(d.Digest)); !ok {
		return nil, fmt.Errorf("release: digest %q is not a SHA-256", d.Digest)
	}
	f, err := os.Open(s.blobPath(string(d.Digest)))
	if err != nil {
		return nil, fmt.Errorf("release: read blob %s: %w", d.Digest, err)
	}
	return &verifiedBlob{s: s, d: d, f: f, h: sha256.New()}, nil
}

// verifiedBlob checks a blob's digest as it is read.
type verifiedBlob struct {
	s *Store
	d ocispec.Descriptor
	f *os.File
	h hash.Hash
	n int64
}

func (b *verifiedBlob) Read(p []byte) (int, error) {
	n, err := b.f.Read(p)
	b.h.Write(p[:n])
	b.n += int64(n)
	if b.n > b.d.Size || err == io.EOF && !b.whole() {
		return n, b.s.damaged(b.d)
	}
	return n, err
}

func (b *verifiedBlob) whole() bool {
	return b.n == b.d.Size && "sha256:"+hex.EncodeToString(b.h.Sum(nil)) == string(b.d.Digest)
}

func (b *verifiedBlob) Close() error { return b.f.Close() }

// damaged removes a damaged blob, so that the next build makes it again, and
// returns the error that says so.
func (s *Store) damaged(d ocispec.Descriptor) error {
	if s.foreign {
		return fmt.Errorf("release: blob %s: %w", d.Digest, ErrDamaged)
	}
	os.Remove(s.blobPath(string(d.Digest)))
	return fmt.Errorf("release: blob %s in %s: %w; it was removed: build or deploy again", d.Digest, s.dir, ErrDamaged)
}

// openWhole opens a blob for reading at any place, once all of it was checked.
func (s *Store) openWhole(d ocispec.Descriptor) (*os.File, error) {
	b, err := s.open(d)
	if err != nil {
		return nil, err
	}
	if _, err := io.Copy(io.Discard, b); err != nil {
		b.Close()
		return nil, err
	}
	return b.(*verifiedBlob).f, nil
}

// document reads a manifest, an index or a config.
func (s *Store) document(d ocispec.Descriptor) ([]byte, error) {
	if d.Size > maxDocument {
		return nil, fmt.Errorf("release: blob %s: %d bytes are too many for a %s", d.Digest, d.Size, d.MediaType)
	}
	b, err := s.open(d)
	if err != nil {
		return nil, err
	}
	defer b.Close()
	return io.ReadAll(b)
}
