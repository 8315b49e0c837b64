package tree

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/twofoldhq/twofold/build"
)

// lay writes files into a fresh folder. A value "-> x" is a link to x, a path that
// ends in a slash is a folder.
func lay(t *testing.T, files map[string]string) string {
	t.Helper()
	root := t.TempDir()
	for p, content := range files {
		at := filepath.Join(root, p)
		if err := os.MkdirAll(filepath.Dir(at), 0o755); err != nil {
			t.Fatal(err)
		}
		var err error
		if link, ok := strings.CutPrefix(content, "-> "); ok {
			err = os.Symlink(link, at)
		} else if strings.HasSuffix(p, "/") {
			err = os.MkdirAll(at, 0o755)
		} else {
			err = os.WriteFile(at, []byte(content), 0o644)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return root
}

// describe writes a file of a tree in one line.
func describe(files []build.File) []string {
	var lines []string
	for _, f := range files {
		line := f.Path
		if f.Executable {
			line += " x"
		}
		if f.Link != "" {
			line += " -> " + f.Link
		}
		lines = append(lines, line)
	}
	return lines
}

func TestFolderListsFilesAndLinksSortedByPath(t *testing.T) {
	root := lay(t, map[string]string{
		"a-b":       "",
		"a/b":       "",
		"a/run":     "",
		"a.txt":     "",
		"z/y/x":     "",
		"empty/":    "",
		"bin/link":  "-> ../a/run",
		"bin/gone":  "-> ../not/there",
		"bin/up":    "-> ..",
		".git/HEAD": "",
	})
	if err := os.Chmod(filepath.Join(root, "a/run"), 0o711); err != nil {
		t.Fatal(err)
	}
	files, err := Folder(t.Context(), root, SkipAlways)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"a-b", "a.txt", "a/b", "a/run x", "bin/gone -> ../not/there", "bin/link -> ../a/run", "bin/up -> ..", "z/y/x"}
	if diff := cmp.Diff(want, describe(files)); diff != "" {
		t.Error(diff)
	}
	for _, f := range files {
		now, err := os.Lstat(f.Source)
		if err != nil || IdentityOf(now) != IdentityOf(f.Info) {
			t.Errorf("%s: info is not that of its source: %v", f.Path, err)
		}
	}
}

func TestFolderRefusesLinks(t *testing.T) {
	for _, c := range []struct {
		name, want string
		files      map[string]string
	}{
		{"to an absolute path", "absolute path", map[string]string{"l": "-> /etc/passwd"}},
		{"out of the tree", "leaves the tree", map[string]string{"a/l": "-> ../../x"}},
		{"out and back in", "leaves the tree", map[string]string{"l": "-> ../x/l2"}},
		{"out by way of another link", "leaves the tree", map[string]string{
			"a/b/up": "-> ..", "l": "-> a/b/up/../../x"}},
		{"to itself", "back to itself", map[string]string{"l": "-> l"}},
		{"to each other", "back to itself", map[string]string{"a": "-> b", "b": "-> a"}},
		{"to each other by folders", "back to itself", map[string]string{"x/a": "-> ../y/b/f", "y/b": "-> ../x/a"}},
		{"to a name with a line break", "cannot be packed", map[string]string{"l": "-> a\nb"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := Folder(t.Context(), lay(t, c.files), nil)
			var e *Error
			if !errors.As(err, &e) || !strings.Contains(e.Error(), c.want) || e.Fix == "" {
				t.Errorf("got %v, want an error with %q and what mends it", err, c.want)
			}
		})
	}
}

// The kernel is the reference for how a path is resolved.
func TestFollowAgreesWithTheKernel(t *testing.T) {
	root := lay(t, map[string]string{
		"d/e/f":    "",
		"up":       "-> d/e/..",
		"deep":     "-> up/e/f",
		"chain":    "-> deep",
		"d/back":   "-> ../up/e",
		"d/back2":  "-> back/./f",
		"self":     "-> .",
		"selfdeep": "-> self/self/d/e/f",
	})
	files, err := Folder(t.Context(), root, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		if _, err := os.Stat(f.Source); err != nil {
			t.Errorf("%s: the kernel says %v", f.Path, err)
		}
	}
}

func TestFolderRefusesWhatCannotBePacked(t *testing.T) {
	for _, c := range []struct {
		name, want string
		make       func(root string) error
	}{
		{"a socket", "a socket", func(root string) error {
			l, err := net.Listen("unix", filepath.Join(root, "s"))
			if err == nil {
				t.Cleanup(func() { l.Close() })
			}
			return err
		}},
		{"a named pipe", "a named pipe", func(root string) error { return syscall.Mkfifo(filepath.Join(root, "p"), 0o644) }},
		{"a line break in a name", "line break", func(root string) error { return os.WriteFile(filepath.Join(root, "a\nb"), nil, 0o644) }},
		{"a name that is not UTF-8", "not UTF-8", func(root string) error { return os.WriteFile(filepath.Join(root, "a\xff"), nil, 0o644) }},
		{"a backslash in a name", "backslash", func(root string) error { return os.WriteFile(filepath.Join(root, `a\b`), nil, 0o644) }},
	} {
		t.Run(c.name, func(t *testing.T) {
			root := t.TempDir()
			if err := c.make(root); err != nil {
				t.Fatal(err)
			}
			_, err := Folder(t.Context(), root, nil)
			var e *Error
			if !errors.As(err, &e) || !strings.Contains(e.Problem, c.want) {
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
	}
}

func TestWalkStopsAtTooManyFiles(t *testing.T) {
	w := &walk{root: "/x"}
	w.wake.L = &w.mu
	w.add(make([]Entry, MaxFiles), nil)
	if w.err != nil {
		t.Fatalf("%d files: %v", MaxFiles, w.err)
	}
	w.add(make([]Entry, 1), nil)
	if w.err == nil || !strings.Contains(w.err.Error(), "exclude") {
		t.Errorf("%d files: got %v", MaxFiles+1, w.err)
	}
}

func TestWalkEndsWhenCancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	root := lay(t, map[string]string{"a/b": "", "c/d": ""})
	_, err := Walk(ctx, root, func(string, bool) bool { cancel(); return false })
	if !errors.Is(err, context.Canceled) {
		// The walk may be through with its folders before it hears of it.
		if _, err := Walk(ctx, root, nil); !errors.Is(err, context.Canceled) {
			t.Errorf("got %v", err)
		}
	}
}

func TestAssets(t *testing.T) {
	dir := lay(t, map[string]string{"static/a.css": "", "static/img/b.png": "", "config.yml": "", "other": "", "static/twofold.secrets": "A=b", "static/prod.vars.hcl": "", "twofold.secrets": "A=b"})
	files, err := Assets(t.Context(), dir, []string{"static", "./config.yml", "static/img"})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"config.yml", "static/a.css", "static/img/b.png"}, describe(files)); diff != "" {
		t.Error(diff)
	}
	for _, bad := range []string{"../x", "/etc/passwd", "missing", "twofold.secrets", "static/prod.vars.hcl"} {
		if _, err := Assets(t.Context(), dir, []string{bad}); err == nil {
			t.Errorf("%s: no error", bad)
		}
	}
}

func TestMergeRefusesTwoFilesAtOnePath(t *testing.T) {
	a := []build.File{{Path: "server"}, {Path: "z"}}
	if _, err := Merge(a, []build.File{{Path: "server"}}); err == nil {
		t.Error("no error")
	}
	got, err := Merge(a, []build.File{{Path: "m"}})
	if diff := cmp.Diff([]string{"m", "server", "z"}, describe(got)); diff != "" || err != nil {
		t.Error(diff, err)
	}
}

func TestSumChangesWithWhateverChanges(t *testing.T) {
	root := lay(t, map[string]string{"a": "1", "b/c": "2"})
	sum := func() Identity {
		entries, err := Walk(t.Context(), root, nil)
		if err != nil {
			t.Fatal(err)
		}
		return Sum(entries)
	}
	before := sum()
	if before != sum() {
		t.Fatal("the sum of unchanged files differs")
	}
	for _, c := range []struct {
		name string
		do   func() error
	}{
		{"a longer file", func() error { return os.WriteFile(filepath.Join(root, "a"), []byte("12"), 0o644) }},
		{"another mode", func() error { return os.Chmod(filepath.Join(root, "a"), 0o600) }},
		{"a new file", func() error { return os.WriteFile(filepath.Join(root, "n"), nil, 0o644) }},
		{"a renamed file", func() error { return os.Rename(filepath.Join(root, "n"), filepath.Join(root, "m")) }},
		{"a removed file", func() error { return os.Remove(filepath.Join(root, "m")) }},
		{"the same bytes in another file", func() error {
			info, err := os.Lstat(filepath.Join(root, "a"))
			if err != nil {
				return err
			}
			next := filepath.Join(root, "next")
			if err := os.WriteFile(next, []byte("12"), 0o600); err != nil {
				return err
			}
			if err := os.Chtimes(next, info.ModTime(), info.ModTime()); err != nil {
				return err
			}
			return os.Rename(next, filepath.Join(root, "a"))
		}},
	} {
		if err := c.do(); err != nil {
			t.Fatal(err)
		}
		now := sum()
		if now == before {
			t.Errorf("%s does not show", c.name)
		}
		before = now
	}
}

func BenchmarkFolderOf4000Files(b *testing.B) {
	root := b.TempDir()
	for d := range 400 {
		dir := filepath.Join(root, fmt.Sprintf("node_modules/package-%d/lib", d))
		if err := os.MkdirAll(dir, 0o755); err != nil {
			b.Fatal(err)
		}
		for f := range 10 {
			if err := os.WriteFile(filepath.Join(dir, fmt.Sprintf("file-%d.js", f)), nil, 0o644); err != nil {
				b.Fatal(err)
			}
		}
	}
	b.ResetTimer()
	for b.Loop() {
		files, err := Folder(b.Context(), root, SkipAlways)
		if err != nil || len(files) != 4000 {
			b.Fatal(len(files), err)
		}
	}
}

func TestChangedBefore(t *testing.T) {
	root := lay(t, map[string]string{"a": "", "b": ""})
	entries, err := Walk(t.Context(), root, nil)
	if err != nil {
		t.Fatal(err)
	}
	// A file is not changed before itself, which is the case of one tick.
	for _, e := range entries {
		if ChangedBefore(entries, e.Info) {
			t.Errorf("all were changed before %s was", e.Path)
		}
	}
	for {
		stamp := filepath.Join(root, "stamp")
		if err := os.WriteFile(stamp, nil, 0o644); err != nil {
			t.Fatal(err)
		}
		info, err := os.Lstat(stamp)
		if err != nil {
			t.Fatal(err)
		}
		if ChangedBefore(entries, info) {
			return // the clock has ticked; the test's own deadline ends it otherwise
		}
		if err := os.Remove(stamp); err != nil {
			t.Fatal(err)
		}
	}
}
