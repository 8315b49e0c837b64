// Package tree lists folders as the files of an app tree, and tells whether files
// have changed without reading them.
//
// An app tree has to unpack to the same thing everywhere: as a layer of an image,
// as a zip, on any machine. What cannot is refused here, by name and with what
// mends it, before anything is packed.
package tree

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/twofoldhq/twofold/build"
)

// Error is a file that cannot be part of an app tree.
type Error struct {
	// Path is the file, relative to the folder that becomes the tree.
	Path string
	// Problem says what is wrong; Fix says what to do. Neither ends in a full stop.
	Problem, Fix string
	Err          error
}

func (e *Error) Error() string {
	return fmt.Sprintf("file %q %s: %s", e.Path, e.Problem, e.Fix)
}

func (e *Error) Unwrap() error { return e.Err }

// Folder returns all that is below a folder as the files of a tree, sorted by
// path. Skip works as in Walk. Every file is readable, and every link leads to a
// place within the tree.
func Folder(ctx context.Context, root string, skip func(path string, folder bool) bool) ([]build.File, error) {
	entries, err := Walk(ctx, root, skip)
	if err != nil {
		return nil, err
	}
	return Files(entries)
}

// Files makes the files of a tree from what a walk found, in the same order.
func Files(entries []Entry) ([]build.File, error) {
	files := make([]build.File, len(entries))
	links := false
	user := os.Geteuid()
	for i, e := range entries {
		f, err := file(e, user)
		if err != nil {
			return nil, err
		}
		files[i] = f
		links = links || f.Link != ""
	}
	if links {
		if err := checkLinks(files); err != nil {
			return nil, err
		}
	}
	return files, nil
}

// Binary returns the one executable file that a compiler made as a file of a
// tree, at that path in it.
func Binary(source, at string) (build.File, error) {
	info, err := os.Lstat(source)
	if err != nil {
		return build.File{}, err
	}
	return build.File{Path: at, Source: source, Info: info, Executable: true}, nil
}

// Assets returns the files and folders that paths name, relative to dir, as the
// files of a tree at those same paths. A path must stay below dir.
func Assets(ctx context.Context, dir string, paths []string) ([]build.File, error) {
	var all []Entry
	for _, p := range paths {
		entries, err := asset(ctx, dir, path.Clean(filepath.ToSlash(p)))
		if err != nil {
			return nil, err
		}
		all = append(all, entries...)
	}
	slices.SortFunc(all, func(a, b Entry) int { return strings.Compare(a.Path, b.Path) })
	all = slices.CompactFunc(all, func(a, b Entry) bool { return a.Path == b.Path })
	return Files(all)
}

func asset(ctx context.Context, dir, p string) ([]Entry, error) {
	if !filepath.IsLocal(filepath.FromSlash(p)) {
		return nil, &Error{Path: p, Problem: "is outside of " + dir, Fix: "name files below that folder"}
	}
	if HoldsValues(p) {
		return nil, &Error{Path: p, Problem: "holds values that no release may hold", Fix: "leave it out, and refer to secrets with a secret block"}
	}
	source := filepath.Join(dir, filepath.FromSlash(p))
	info, err := os.Lstat(source)
	if err != nil {
		return nil, unreadable(p, source, err)
	}
	if !info.IsDir() {
		return []Entry{{Path: p, Source: source, Info: info}}, nil
	}
	entries, err := Walk(ctx, source, SkipAlways)
	for i := range entries {
		entries[i].Path = path.Join(p, entries[i].Path)
	}
	return entries, err
}

// SkipAlways leaves out what is never part of an app: the data of version
// control, twofold's own folder, the desktop's droppings, and values that no
// release may hold.
func SkipAlways(p string, folder bool) bool {
	switch path.Base(p) {
	case ".git", ".hg", ".svn", ".twofold", ".DS_Store":
		return true
	}
	return !folder && HoldsValues(p)
}

// HoldsValues reports whether a file is one of those that give secrets and
// variables their values on this machine.
func HoldsValues(p string) bool {
	name := path.Base(p)
	return name == "twofold.secrets" || strings.HasSuffix(name, ".vars.hcl") || strings.HasSuffix(name, ".vars.hcl.json")
}

// Merge puts the files of several sources into one tree. A path that two of them
// have is an error.
func Merge(lists ...[]build.File) ([]build.File, error) {
	all := slices.Concat(lists...)
	slices.SortStableFunc(all, func(a, b build.File) int { return strings.Compare(a.Path, b.Path) })
	for i := 1; i < len(all); i++ {
		if all[i].Path == all[i-1].Path {
			return nil, &Error{Path: all[i].Path, Problem: "is in the tree already", Fix: "rename it or leave it out"}
		}
	}
	return all, nil
}

func file(e Entry, user int) (build.File, error) {
	if err := checkName(e.Path); err != nil {
		return build.File{}, err
	}
	f := build.File{Path: e.Path, Source: e.Source, Info: e.Info}
	switch mode := e.Info.Mode(); {
	case mode.IsRegular():
		f.Executable = mode&0o100 != 0
		return f, checkReadable(e, user)
	case mode&fs.ModeSymlink != 0:
		link, err := os.Readlink(e.Source)
		if err != nil {
			return f, unreadable(e.Path, e.Source, err)
		}
		f.Link = link
		return f, nil
	default:
		return f, &Error{Path: e.Path, Problem: "is " + kind(mode), Fix: "an app tree holds files, folders and links only; remove it or leave it out"}
	}
}

func kind(mode fs.FileMode) string {
	switch {
	case mode&fs.ModeSocket != 0:
		return "a socket"
	case mode&fs.ModeNamedPipe != 0:
		return "a named pipe"
	case mode&fs.ModeDevice != 0:
		return "a device"
	}
	return "neither a file nor a link"
}

// checkName refuses names that a zip, a tar or a registry's JSON cannot carry
// unharmed.
func checkName(p string) error {
	const fix = "rename it or leave it out"
	if !utf8.ValidString(p) {
		return &Error{Path: p, Problem: "has a name that is not UTF-8", Fix: fix}
	}
	if strings.IndexFunc(p, unicode.IsControl) >= 0 {
		return &Error{Path: p, Problem: "has a line break or another control character in its name", Fix: fix}
	}
	if strings.Contains(p, `\`) {
		return &Error{Path: p, Problem: "has a backslash in its name", Fix: fix}
	}
	return nil
}

func unreadable(p, source string, err error) error {
	if p == "" {
		p = source
	}
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return &Error{Path: p, Problem: "does not exist", Fix: "there is nothing at " + source, Err: err}
	case errors.Is(err, fs.ErrPermission):
		return &Error{Path: p, Problem: "cannot be read", Fix: "run chmod u+r " + source + ", or leave it out", Err: err}
	}
	return &Error{Path: p, Problem: "cannot be read", Fix: err.Error(), Err: err}
}
