package unpack

import (
	"archive/zip"
	"bytes"
	"context"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

type zipEntry struct {
	name    string
	mode    fs.FileMode
	content string
}

func zipOf(t testing.TB, entries ...zipEntry) []byte {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for _, e := range entries {
		h := &zip.FileHeader{Name: e.name, Method: zip.Deflate}
		h.SetMode(e.mode)
		f, err := w.CreateHeader(h)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(f, e.content); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func unpackZip(t testing.TB, b []byte, limit int64) (string, error) {
	t.Helper()
	outside := t.TempDir()
	if err := os.WriteFile(filepath.Join(outside, "secret"), []byte("secret"), 0o644); err != nil {
		t.Fatal(err)
	}
	root := filepath.Join(outside, "root")
	if err := os.Mkdir(root, 0o755); err != nil {
		t.Fatal(err)
	}
	defer untouched(t, outside)
	z, err := zip.NewReader(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		return root, err
	}
	return root, Bundle(context.Background(), z, root, limit)
}

func TestBundle(t *testing.T) {
	root, err := unpackZip(t, zipOf(t,
		zipEntry{"bootstrap", 0o755, "adapter"}, zipEntry{"app/a/b", 0o640, "b"}, zipEntry{"app/dir/", fs.ModeDir | 0o755, ""},
		zipEntry{"app/link", fs.ModeSymlink | 0o777, "a/b"}, zipEntry{"app/a/up", fs.ModeSymlink | 0o777, "../a/./b"},
		zipEntry{"app/gone", fs.ModeSymlink | 0o777, "nothing"},
	), 1000)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{
		"bootstrap": "adapter", "app/": "", "app/a/": "", "app/a/b": "b", "app/dir/": "",
		"app/link": "-> a/b", "app/a/up": "-> ../a/./b", "app/gone": "-> nothing",
	}
	if diff := cmp.Diff(want, content(t, root)); diff != "" {
		t.Error(diff)
	}
	for name, want := range map[string]fs.FileMode{"bootstrap": 0o755, "app/a/b": 0o644} {
		if info, err := os.Lstat(filepath.Join(root, name)); err != nil || info.Mode() != want {
			t.Errorf("%s: %v, %v", name, info.Mode(), err)
		}
	}
}

func TestBundlesThatLeadOutAreErrors(t *testing.T) {
	symlink := fs.ModeSymlink | 0o777
	tests := map[string][]zipEntry{
		"name with ..":            {{"../secret", 0o644, "x"}},
		"name with .. inside":     {{"app/../../secret", 0o644, "x"}},
		"absolute name":           {{"/secret", 0o644, "x"}},
		"backslashes":             {{`..\secret`, 0o644, "x"}},
		"link up":                 {{"link", symlink, "../secret"}},
		"absolute link":           {{"link", symlink, "/etc/passwd"}},
		"empty link":              {{"link", symlink, ""}},
		"file through a link":     {{"d", symlink, "."}, {"d/x", 0o644, "x"}},
		"link out by links":       {{"a/c", symlink, ".."}, {"a/l", symlink, "c/../secret"}},
		"loop of links":           {{"a", symlink, "b"}, {"b", symlink, "a"}},
		"twice":                   {{"a", 0o644, "x"}, {"a", 0o644, "y"}},
		"a file that is a folder": {{"a", 0o644, "x"}, {"a/b", 0o644, "y"}},
		"a pipe":                  {{"a", fs.ModeNamedPipe | 0o644, ""}},
		"a device":                {{"a", fs.ModeDevice | 0o644, ""}},
		"too much":                {{"a", 0o644, strings.Repeat("x", 600)}, {"b", 0o644, strings.Repeat("y", 600)}},
	}
	for name, entries := range tests {
		t.Run(name, func(t *testing.T) {
			root, err := unpackZip(t, zipOf(t, entries...), 1000)
			if err == nil {
				t.Errorf("no error; it made %v", content(t, root))
			}
		})
	}
}

func TestBundleThatLiesAboutItsSizeIsAnError(t *testing.T) {
	b := zipOf(t, zipEntry{"a", 0o644, strings.Repeat("x", 100_000)})
	// The size unpacked stands at offset 24 of the entry in the directory.
	at := bytes.Index(b, []byte("PK\x01\x02")) + 24
	copy(b[at:], []byte{10, 0, 0, 0})
	root, err := unpackZip(t, b, 1000)
	if err == nil {
		t.Error("no error")
	}
	if info, err := os.Lstat(filepath.Join(root, "a")); err == nil && info.Size() > 1000 {
		t.Errorf("%d bytes were written", info.Size())
	}
}

func FuzzBundle(f *testing.F) {
	f.Add(zipOf(f, zipEntry{"a/b", 0o644, "x"}, zipEntry{"l", fs.ModeSymlink | 0o777, "a/b"}))
	f.Add(zipOf(f, zipEntry{"a/c", fs.ModeSymlink | 0o777, ".."}, zipEntry{"a/l", fs.ModeSymlink | 0o777, "c/../secret"}))
	f.Fuzz(func(t *testing.T, b []byte) {
		// Whether it is an error does not matter: nothing outside may change.
		_, _ = unpackZip(t, b, 1<<20)
	})
}
