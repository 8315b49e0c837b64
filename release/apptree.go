package release

import (
	"archive/tar"
	"archive/zip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"io/fs"
	"path"
	"strings"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/twofoldhq/twofold/release/tree"
	"github.com/twofoldhq/twofold/release/unpack"
)

// maxVerified is how much a bundle may unpack to that is still looked at. It is far
// more than any platform takes, and less than what a few bytes can be made to say.
const maxVerified = 10 << 30

// appFiles collects the files of an app tree from an image's layers. Nothing is
// written to disk.
type appFiles map[string]tree.File

// imageFiles reads an image's layers and returns the files in /app, and the
// digests of the layers before compression.
func (s *Store) imageFiles(ctx context.Context, m *ocispec.Manifest) (appFiles, []string, error) {
	files := appFiles{}
	var diffIDs []string
	for _, l := range m.Layers {
		id, err := s.layerFiles(ctx, l, files)
		if err != nil {
			return nil, nil, fmt.Errorf("layer %s: %w", l.Digest, err)
		}
		diffIDs = append(diffIDs, id)
	}
	return files, diffIDs, nil
}

func (s *Store) layerFiles(ctx context.Context, l descriptor, files appFiles) (diffID string, err error) {
	blob, err := s.open(l)
	if err != nil {
		return "", err
	}
	defer blob.Close()
	plain, err := unpack.Decompress(reader{ctx, blob})
	if err != nil {
		return "", err
	}
	defer plain.Close()
	diff := sha256.New()
	hashed := io.TeeReader(plain, diff)
	for t := tar.NewReader(hashed); ; {
		h, err := t.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			return "", err
		}
		if err := files.entry(h, t); err != nil {
			return "", fmt.Errorf("%q: %w", h.Name, err)
		}
	}
	if _, err := io.Copy(io.Discard, hashed); err != nil {
		return "", err
	}
	if _, err := io.Copy(io.Discard, blob); err != nil {
		return "", err
	}
	return "sha256:" + hex.EncodeToString(diff.Sum(nil)), nil
}

// entry applies an entry of a layer.
func (files appFiles) entry(h *tar.Header, content io.Reader) error {
	name := path.Clean("/" + h.Name)[1:]
	if dir, base := path.Split(name); strings.HasPrefix(base, ".wh.") {
		if base == ".wh..wh..opq" {
			files.remove(path.Clean(dir))
		} else {
			files.remove(path.Join(dir, strings.TrimPrefix(base, ".wh.")))
		}
		return nil
	}
	if name == AppDir && h.Typeflag != tar.TypeDir {
		return fmt.Errorf("/%s is no folder", AppDir)
	}
	in, ok := strings.CutPrefix(name, AppDir+"/")
	if !ok {
		return nil
	}
	if h.Typeflag != tar.TypeDir {
		files.remove(name)
	}
	switch h.Typeflag {
	case tar.TypeReg, tar.TypeGNUSparse:
		if err := unpack.CheckHoles(h); err != nil {
			return err
		}
		sum := sha256.New()
		n, err := io.Copy(sum, content)
		files[in] = tree.File{Path: in, Executable: h.Mode&0o111 != 0, Size: n, SHA256: hex.EncodeToString(sum.Sum(nil))}
		return err
	case tar.TypeSymlink:
		files[in] = tree.File{Path: in, Link: h.Linkname}
	case tar.TypeLink:
		target, ok := files[strings.TrimPrefix(path.Clean("/" + h.Linkname)[1:], AppDir+"/")]
		if !ok {
			return fmt.Errorf("a hard link to %q, which is not in /%s", h.Linkname, AppDir)
		}
		target.Path = in
		files[in] = target
	}
	return nil
}

// remove forgets a path of the image and all below it.
func (files appFiles) remove(name string) {
	if name == "." || name == AppDir {
		clear(files)
		return
	}
	in, ok := strings.CutPrefix(name, AppDir+"/")
	if !ok {
		return
	}
	delete(files, in)
	for f := range files {
		if strings.HasPrefix(f, in+"/") {
			delete(files, f)
		}
	}
}

func (files appFiles) list() []tree.File {
	list := make([]tree.File, 0, len(files))
	for _, name := range sortedKeys(files) {
		list = append(list, files[name])
	}
	return list
}

// bundleFiles reads a bundle and returns the files in its app folder, the others
// by name, and the app's config.
func bundleFiles(ctx context.Context, z *zip.Reader) (files appFiles, others map[string]tree.File, config []byte, err error) {
	files, others = appFiles{}, map[string]tree.File{}
	if err := unpack.CheckSize(z, maxVerified); err != nil {
		return nil, nil, nil, err
	}
	for _, f := range z.File {
		if err := ctx.Err(); err != nil {
			return nil, nil, nil, err
		}
		file, content, err := bundleFile(f)
		if err != nil {
			return nil, nil, nil, fmt.Errorf("%q: %w", f.Name, err)
		}
		into := map[string]tree.File(files)
		in, ok := strings.CutPrefix(f.Name, AppDir+"/")
		if !ok {
			in, into = f.Name, others
		}
		if _, twice := into[in]; twice {
			return nil, nil, nil, fmt.Errorf("%q is there twice", f.Name)
		}
		file.Path = in
		into[in] = file
		if f.Name == AppConfigName {
			config = content
		}
	}
	return files, others, config, nil
}

// bundleFile reads an entry. Its content is returned if it is the app's config.
func bundleFile(f *zip.File) (tree.File, []byte, error) {
	r, err := f.Open()
	if err != nil {
		return tree.File{}, nil, err
	}
	defer r.Close()
	if f.Mode().Type() == fs.ModeSymlink {
		target, err := io.ReadAll(io.LimitReader(r, 4097))
		return tree.File{Link: string(target)}, nil, err
	}
	sum := sha256.New()
	var in io.Reader = io.TeeReader(io.LimitReader(r, int64(f.UncompressedSize64)+1), sum)
	var content []byte
	if f.Name == AppConfigName {
		content, err = io.ReadAll(io.LimitReader(in, maxDocument))
		if err != nil {
			return tree.File{}, nil, err
		}
	}
	n, err := io.Copy(io.Discard, in)
	n += int64(len(content))
	if err == nil && n != int64(f.UncompressedSize64) {
		err = zip.ErrFormat
	}
	return tree.File{Executable: f.Mode()&0o111 != 0, Size: n, SHA256: hex.EncodeToString(sum.Sum(nil))}, content, err
}
