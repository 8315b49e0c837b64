package release

import (
	"context"
	"errors"
	"io"

	"github.com/twofoldhq/twofold/build"
)

// Contract only; the release room fills this in.

var errNotWritten = errors.New("not written")

// Store is an OCI image layout on disk that holds releases. Several processes
// may use one store at a time.
type Store struct{ dir string }

// OpenStore opens the store in a folder, and makes it if it is missing.
func OpenStore(dir string) (*Store, error) { return nil, errNotWritten }

// Dir returns the store's folder.
func (s *Store) Dir() string { return s.dir }

// Find returns the release that ref names: an index digest, a unique prefix of
// one ("sha256:1f2e..." or "1f2e..."), or a service, for its newest release.
func (s *Store) Find(ref string) (*Release, error) { return nil, errNotWritten }

// Prune removes all but the newest keep releases of a service, and the blobs that
// no release needs any more.
func (s *Store) Prune(service string, keep int) error { return errNotWritten }

// Options are how a release is assembled; the zero value works.
type Options struct {
	// Pull asks the registry again for a base that is named by tag.
	Pull bool
	// Warn receives what the user should know though it is no error.
	Warn func(message string)
}

// Assemble makes the release of spec in the store. For trees that have not
// changed since, it finds the release that is there and reads no file's content.
func Assemble(ctx context.Context, s *Store, spec Spec, o Options) (*Release, error) {
	return nil, errNotWritten
}

// Release is a release in a store.
type Release struct {
	// Digest is the digest of the index, "sha256:...".
	Digest           string
	Project, Service string
	// Forms are in the order of the index: the images, then the bundles.
	Forms []Form
	store *Store
}

// Form is one form of a release for one platform.
type Form struct {
	Kind     Kind
	Platform build.Platform
	// Digest is the digest of the form's own manifest.
	Digest string
	// Tree is the digest of the app tree.
	Tree string
	// Runtime is the language runtime that a bundle needs, or "".
	Runtime string
	// Size is the number of bytes that a host transfers: all layers, or the zip.
	Size int64
}

// Form returns the form of that kind for that platform. The error of one that is
// missing lists what there is.
func (r *Release) Form(k Kind, p build.Platform) (Form, error) { return Form{}, errNotWritten }

// CopyTo makes the release available in another store, by links where the file
// system allows.
func (r *Release) CopyTo(ctx context.Context, dst *Store) error { return errNotWritten }

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
// file system, or a bundle's content. Nothing is ever written outside dir.
func (r *Release) Unpack(ctx context.Context, f Form, dir string) (Unpacked, error) {
	return Unpacked{}, errNotWritten
}

// WriteImageTar writes an image as a tar that docker load takes, with that tag.
func (r *Release) WriteImageTar(ctx context.Context, f Form, tag string, w io.Writer) error {
	return errNotWritten
}

// WriteBundle writes a bundle's zip.
func (r *Release) WriteBundle(ctx context.Context, f Form, w io.Writer) error {
	return errNotWritten
}

// WriteLayout writes the release alone as an OCI image layout into dir.
func (r *Release) WriteLayout(ctx context.Context, dir string) error { return errNotWritten }
