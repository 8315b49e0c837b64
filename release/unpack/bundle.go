package unpack

import (
	"archive/zip"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"strings"
)

// maxTarget is the longest target of a link.
const maxTarget = 4096

// Bundle writes the content of a zip into an empty folder. An entry that leads out
// of the folder, by its name or as a link, is an error, and so is a zip that
// unpacks to more than limit bytes, or holds what is neither file nor link.
func Bundle(ctx context.Context, z *zip.Reader, dir string, limit int64) error {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer root.Close()
	if err := CheckSize(z, limit); err != nil {
		return err
	}
	var links []*zip.File
	for _, f := range z.File {
		if err := ctx.Err(); err != nil {
			return err
		}
		name := strings.TrimSuffix(f.Name, "/")
		if !fs.ValidPath(name) || name == "." || strings.ContainsAny(name, "\\\x00") {
			return fmt.Errorf("%q: the name leads out of the bundle", f.Name)
		}
		switch f.Mode().Type() {
		case fs.ModeSymlink:
			links = append(links, f)
			continue
		case fs.ModeDir:
			err = root.MkdirAll(name, 0o755)
		case 0:
			err = bundleFile(root, name, f)
		default:
			err = errors.New("it is neither a file nor a link")
		}
		if err != nil {
			return fmt.Errorf("%q: %w", f.Name, err)
		}
	}
	// Links come last, so that nothing is ever written through one.
	return bundleLinks(root, links)
}

// CheckSize refuses a zip that says it unpacks to more than limit bytes.
func CheckSize(z *zip.Reader, limit int64) error {
	var total uint64
	for _, f := range z.File {
		if total += f.UncompressedSize64; total > uint64(limit) || f.UncompressedSize64 > uint64(limit) {
			return fmt.Errorf("it unpacks to more than %d MiB", limit>>20)
		}
	}
	return nil
}

func bundleFile(root *os.Root, name string, f *zip.File) error {
	if err := root.MkdirAll(path.Dir(name), 0o755); err != nil {
		return err
	}
	r, err := f.Open()
	if err != nil {
		return err
	}
	defer r.Close()
	mode := fs.FileMode(0o644)
	if f.Mode()&0o111 != 0 {
		mode = 0o755
	}
	out, err := root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
	if err != nil {
		return err
	}
	n, err := io.Copy(out, io.LimitReader(r, int64(f.UncompressedSize64)+1))
	if err == nil && n != int64(f.UncompressedSize64) {
		err = zip.ErrFormat
	}
	if err == nil {
		err = out.Chmod(mode)
	}
	if closed := out.Close(); err == nil {
		err = closed
	}
	return err
}

func bundleLinks(root *os.Root, links []*zip.File) error {
	for _, f := range links {
		target, err := linkTarget(f)
		if err == nil {
			err = root.MkdirAll(path.Dir(f.Name), 0o755)
		}
		if err == nil {
			err = root.Symlink(target, f.Name)
		}
		if err != nil {
			return fmt.Errorf("%q: %w", f.Name, err)
		}
	}
	// A link may lead through others. The root refuses to follow one out of it.
	for _, f := range links {
		if _, err := root.Stat(f.Name); err != nil && !errors.Is(err, fs.ErrNotExist) {
			root.Remove(f.Name)
			return fmt.Errorf("%q: the link cannot be followed within the bundle: %w", f.Name, err)
		}
	}
	return nil
}

func linkTarget(f *zip.File) (string, error) {
	r, err := f.Open()
	if err != nil {
		return "", err
	}
	defer r.Close()
	b, err := io.ReadAll(io.LimitReader(r, maxTarget+1))
	if err != nil {
		return "", err
	}
	target := string(b)
	to := path.Join(path.Dir(f.Name), target)
	if len(b) > maxTarget || target == "" || path.IsAbs(target) || to == ".." || strings.HasPrefix(to, "../") {
		return "", fmt.Errorf("the link to %q leads out of the bundle", target)
	}
	return target, nil
}
