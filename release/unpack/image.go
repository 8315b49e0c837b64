// Package unpack writes the layers of images and the content of bundles into a
// folder. Both may come from strangers: whatever they hold, nothing is written
// outside the folder.
package unpack

import (
	"archive/tar"
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"
	"syscall"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

const (
	whiteout       = ".wh."
	whiteoutMeta   = ".wh..wh."
	whiteoutOpaque = ".wh..wh..opq"

	// maxLinks is how many links a path may lead through.
	maxLinks = 255
	// maxSparse is the size of a file of holes that is still written. Unlike other
	// content, holes take no room in a layer, and a file of them can have any size.
	maxSparse = 64 << 20
	// maxWindow is the most memory that a zstd stream may ask for.
	maxWindow = 128 << 20
)

// Image writes the layers of an image, one upon the other, as engines do: with
// whiteouts, and with every link of the image resolved as if the folder were "/".
// Devices, pipes, extended attributes and the bits that lend a user's rights
// (setuid, setgid) are left out. Owners are set if root does it.
type Image struct {
	root   *os.Root
	owners bool
	// modes are the final modes of folders. Until Finish they can be written.
	modes map[string]fs.FileMode
	// resolved remembers where folders lead. Any link or removal empties it.
	resolved map[string]string
}

// NewImage begins an image in an empty folder.
func NewImage(dir string) (*Image, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, err
	}
	return &Image{root: root, owners: os.Geteuid() == 0, modes: map[string]fs.FileMode{}, resolved: map[string]string{}}, nil
}

// Close releases the folder.
func (im *Image) Close() error { return im.root.Close() }

// Finish gives the folders their modes. It comes after the last layer.
func (im *Image) Finish() error {
	names := make([]string, 0, len(im.modes))
	for name := range im.modes {
		names = append(names, name)
	}
	slices.Sort(names)
	// A folder comes after what is in it, as its mode may forbid to go there.
	for _, name := range slices.Backward(names) {
		info, err := im.root.Lstat(name)
		if errors.Is(err, fs.ErrNotExist) || err == nil && !info.IsDir() {
			continue // removed by a later layer
		}
		if err == nil {
			err = im.root.Chmod(name, im.modes[name])
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// Layer writes a layer: a tar, plain or compressed with gzip or zstd. It reads r
// to its end.
func (im *Image) Layer(ctx context.Context, r io.Reader) error {
	plain, err := Decompress(r)
	if err != nil {
		return err
	}
	defer plain.Close()
	l := layer{Image: im, written: map[string]bool{}}
	for t := tar.NewReader(plain); ; {
		if err := ctx.Err(); err != nil {
			return err
		}
		h, err := t.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			return err
		}
		if err := l.entry(h, t); err != nil {
			return fmt.Errorf("%q: %w", h.Name, err)
		}
	}
	if _, err := io.Copy(io.Discard, plain); err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, r)
	return err
}

// Decompress returns what a gzip or zstd stream unpacks to, or the stream itself
// if it is neither.
func Decompress(r io.Reader) (io.ReadCloser, error) {
	b := bufio.NewReaderSize(r, 64<<10)
	head, err := b.Peek(4)
	if err != nil && err != io.EOF {
		return nil, err
	}
	switch {
	case bytes.HasPrefix(head, []byte{0x1f, 0x8b}):
		return gzip.NewReader(b)
	case bytes.Equal(head, []byte{0x28, 0xb5, 0x2f, 0xfd}):
		d, err := zstd.NewReader(b, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(maxWindow))
		if err != nil {
			return nil, err
		}
		return d.IOReadCloser(), nil
	}
	return io.NopCloser(b), nil
}

// layer is a layer that is being written.
type layer struct {
	*Image
	// written are the paths that this layer wrote: its whiteouts spare them.
	written map[string]bool
}

func (l *layer) entry(h *tar.Header, content io.Reader) error {
	name := path.Clean("/" + h.Name)[1:]
	if name == "" {
		if h.Typeflag == tar.TypeDir {
			l.modes["."] = permissions(h)
		}
		return nil
	}
	dir, base := path.Split(name)
	parent, err := l.resolve(dir)
	if err != nil {
		return err
	}
	if strings.HasPrefix(base, whiteout) {
		return l.whiteout(parent, base)
	}
	name = path.Join(parent, base)
	switch h.Typeflag {
	case tar.TypeDir:
		err = l.folder(name, h)
	case tar.TypeReg, tar.TypeGNUSparse:
		err = l.file(name, h, content)
	case tar.TypeSymlink:
		err = l.symlink(name, h)
	case tar.TypeLink:
		err = l.link(name, h)
	default:
		return nil
	}
	// The folders above are this layer's, too.
	for p := name; p != "." && !l.written[p]; p = path.Dir(p) {
		l.written[p] = true
	}
	return err
}

// permissions are the bits of a mode that are kept.
func permissions(h *tar.Header) fs.FileMode {
	return h.FileInfo().Mode() & (fs.ModePerm | fs.ModeSticky)
}

func (l *layer) folder(name string, h *tar.Header) error {
	info, err := l.root.Lstat(name)
	if err != nil || !info.IsDir() {
		if err := l.remove(name); err != nil {
			return err
		}
		if err := l.root.Mkdir(name, 0o755); err != nil {
			return err
		}
	}
	l.modes[name] = permissions(h)
	return l.own(name, h)
}

func (l *layer) file(name string, h *tar.Header, content io.Reader) error {
	if err := CheckHoles(h); err != nil {
		return err
	}
	if err := l.remove(name); err != nil {
		return err
	}
	f, err := l.root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(f, content)
	if err == nil && l.owners {
		err = tolerate(f.Chown(h.Uid, h.Gid))
	}
	if err == nil {
		err = f.Chmod(permissions(h))
	}
	if closed := f.Close(); err == nil {
		err = closed
	}
	return err
}

// CheckHoles refuses large files with holes: whoever reads one is busy for as long
// as a few bytes of a layer tell.
func CheckHoles(h *tar.Header) error {
	sparse := h.Typeflag == tar.TypeGNUSparse
	for key := range h.PAXRecords {
		sparse = sparse || strings.HasPrefix(key, "GNU.sparse.")
	}
	if sparse && h.Size > maxSparse {
		return fmt.Errorf("a file of %d bytes with holes: make the image without it", h.Size)
	}
	return nil
}

func (l *layer) symlink(name string, h *tar.Header) error {
	if err := l.remove(name); err != nil {
		return err
	}
	clear(l.resolved)
	if err := l.root.Symlink(h.Linkname, name); err != nil {
		return err
	}
	return l.own(name, h)
}

func (l *layer) link(name string, h *tar.Header) error {
	target := path.Clean("/" + h.Linkname)[1:]
	dir, base := path.Split(target)
	if base == "" {
		return fmt.Errorf("a hard link to %q", h.Linkname)
	}
	parent, err := l.resolve(dir)
	if err != nil {
		return err
	}
	target = path.Join(parent, base)
	if target == name {
		return nil
	}
	if err := l.remove(name); err != nil {
		return err
	}
	return l.root.Link(target, name)
}

func (l *layer) own(name string, h *tar.Header) error {
	if !l.owners {
		return nil
	}
	return tolerate(l.root.Lchown(name, h.Uid, h.Gid))
}

// tolerate drops the error of an owner that this machine cannot give, as in a
// user namespace that has not all of them.
func tolerate(err error) error {
	if errors.Is(err, syscall.EINVAL) || errors.Is(err, syscall.EPERM) {
		return nil
	}
	return err
}

// whiteout removes what lower layers have.
func (l *layer) whiteout(parent, base string) error {
	if base == whiteoutOpaque {
		return l.removeLowerIn(parent)
	}
	base = strings.TrimPrefix(base, whiteout)
	if strings.HasPrefix(whiteout+base, whiteoutMeta) {
		return nil
	}
	if base == "" || base == "." || base == ".." {
		return errors.New("a whiteout of no file")
	}
	return l.removeLower(path.Join(parent, base))
}

// removeLower removes a path but for what this layer wrote there or below it.
func (l *layer) removeLower(name string) error {
	if !l.written[name] {
		return l.remove(name)
	}
	if info, err := l.root.Lstat(name); err != nil || !info.IsDir() {
		return err
	}
	return l.removeLowerIn(name)
}

func (l *layer) removeLowerIn(dir string) error {
	f, err := l.root.Open(path.Join(".", dir))
	if err != nil {
		return err
	}
	names, err := f.Readdirnames(-1)
	f.Close()
	if err != nil {
		return err
	}
	for _, n := range names {
		if err := l.removeLower(path.Join(dir, n)); err != nil {
			return err
		}
	}
	return nil
}

// remove removes whatever is there.
func (im *Image) remove(name string) error {
	if _, err := im.root.Lstat(name); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	clear(im.resolved)
	return im.root.RemoveAll(name)
}

// resolve returns the folder that a path means when the image's root is "/",
// relative to it and free of links. Folders that are missing are made.
func (im *Image) resolve(dir string) (string, error) {
	if found, ok := im.resolved[dir]; ok {
		return found, nil
	}
	at, links := "", 0
	for todo := strings.Split(dir, "/"); len(todo) > 0; {
		part := todo[0]
		todo = todo[1:]
		switch part {
		case "", ".":
			continue
		case "..":
			if at = path.Dir(at); at == "." {
				at = ""
			}
			continue
		}
		next := path.Join(at, part)
		info, err := im.root.Lstat(next)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			if err := im.root.Mkdir(next, 0o755); err != nil {
				return "", err
			}
			im.modes[next] = 0o755
			at = next
		case err != nil:
			return "", err
		case info.IsDir():
			at = next
		case info.Mode().Type() == fs.ModeSymlink:
			if links++; links > maxLinks {
				return "", syscall.ELOOP
			}
			target, err := im.root.Readlink(next)
			if err != nil {
				return "", err
			}
			if path.IsAbs(target) {
				at = ""
			}
			todo = append(strings.Split(target, "/"), todo...)
		default:
			return "", fmt.Errorf("%q is a file, not a folder", next)
		}
	}
	im.resolved[dir] = at
	return at, nil
}
