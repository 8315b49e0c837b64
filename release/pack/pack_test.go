package pack

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand"
	"os"
	"path/filepath"
	"runtime"
	"sort"
	"strings"
	"testing"
	"time"

	"github.com/twofoldhq/twofold/build"
)

// sample makes a tree that has one of everything.
func sample(t testing.TB) []build.File {
	t.Helper()
	random := make([]byte, 3<<20+17)
	rand.New(rand.NewSource(1)).Read(random)
	text := bytes.Repeat([]byte("twofold makes two forms of one tree. "), 90_000)
	content := map[string][]byte{
		"server":                text,
		"already/packed.gz":     random,
		"exact":                 random[:2*chunkSize],
		"edge":                  text[:bigFile],
		"below":                 text[:bigFile-1],
		"empty":                 nil,
		"a/b/c/deep.txt":        []byte("deep"),
		"a-b":                   []byte("sorts before a/b"),
		"ünïcode/名前.txt":        []byte("names are UTF-8"),
		"long/" + long + ".txt": []byte("a name that only PAX can hold"),
	}
	for i := range 300 {
		content[fmt.Sprintf("modules/%03d/index.js", i)] = text[i : 5000+i*7]
	}
	files := write(t, content)
	files = append(files, build.File{Path: "a/link", Link: "b/c/deep.txt"})
	sort.Slice(files, func(i, j int) bool { return files[i].Path < files[j].Path })
	return files
}

var long = strings.Repeat("long-name-", 12)

// write writes files into a folder. Those named "server" or "link" are executable.
func write(t testing.TB, content map[string][]byte) []build.File {
	t.Helper()
	dir := t.TempDir()
	var files []build.File
	for path, data := range content {
		source := filepath.Join(dir, filepath.FromSlash(path))
		if err := os.MkdirAll(filepath.Dir(source), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(source, data, 0o600); err != nil {
			t.Fatal(err)
		}
		info, err := os.Lstat(source)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, build.File{Path: path, Source: source, Info: info, Executable: path == "server"})
	}
	sort.Slice(files, func(i, j int) bool { return files[i].Path < files[j].Path })
	return files
}

func packed(t testing.TB, files []build.File, workers int) (layer, bundle []byte, r Result) {
	t.Helper()
	var l, b bytes.Buffer
	r, err := Pack(context.Background(), files, Options{Dir: "app", Workers: workers, Extras: []Extra{
		{Name: "bootstrap", Executable: true, Data: gzipped(t, "the adapter"), Gzip: true},
		{Name: "twofold.json", Data: []byte("{}")},
	}}, &l, &b)
	if err != nil {
		t.Fatal(err)
	}
	return l.Bytes(), b.Bytes(), r
}

func gzipped(t testing.TB, content string) []byte {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	w.Name, w.Comment, w.Extra = "name", "comment", []byte("extra")
	if _, err := io.WriteString(w, content); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestLayerHoldsTheFiles(t *testing.T) {
	files := sample(t)
	layer, _, r := packed(t, files, 0)
	z, err := gzip.NewReader(bytes.NewReader(layer))
	if err != nil {
		t.Fatal(err)
	}
	diff := sha256.New()
	tr := tar.NewReader(io.TeeReader(z, diff))
	want := map[string]build.File{}
	for _, f := range files {
		want["app/"+f.Path] = f
	}
	seen := map[string]bool{}
	for {
		h, err := tr.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if seen[h.Name] {
			t.Errorf("%s is there twice", h.Name)
		}
		seen[h.Name] = true
		if parent := filepath.Dir(strings.TrimSuffix(h.Name, "/")); parent != "." && !seen[parent+"/"] {
			t.Errorf("%s comes before its folder", h.Name)
		}
		if h.Uid != 0 || h.Gid != 0 || !h.ModTime.Equal(time.Unix(0, 0)) {
			t.Errorf("%s: owner %d:%d, time %v", h.Name, h.Uid, h.Gid, h.ModTime)
		}
		if h.Typeflag == tar.TypeDir {
			if h.Mode != 0o755 {
				t.Errorf("%s: mode %o", h.Name, h.Mode)
			}
			continue
		}
		f, ok := want[h.Name]
		if !ok {
			t.Errorf("%s was not asked for", h.Name)
			continue
		}
		delete(want, h.Name)
		if f.Link != "" {
			if h.Typeflag != tar.TypeSymlink || h.Linkname != f.Link {
				t.Errorf("%s: link to %q", h.Name, h.Linkname)
			}
			continue
		}
		if got := h.FileInfo().Mode().Perm(); got != perm(f) {
			t.Errorf("%s: mode %o", h.Name, got)
		}
		same(t, f, tr)
	}
	if len(want) > 0 {
		t.Errorf("missing: %v", want)
	}
	if _, err := io.Copy(diff, z); err != nil {
		t.Fatal(err)
	}
	if got := "sha256:" + hex.EncodeToString(diff.Sum(nil)); got != r.DiffID {
		t.Errorf("diff id %s, the tar has %s", r.DiffID, got)
	}
}

func TestBundleHoldsTheFiles(t *testing.T) {
	files := sample(t)
	_, bundle, r := packed(t, files, 0)
	z, err := zip.NewReader(bytes.NewReader(bundle), int64(len(bundle)))
	if err != nil {
		t.Fatal(err)
	}
	if len(z.File) != len(files)+2 || z.File[0].Name != "bootstrap" || z.File[1].Name != "twofold.json" {
		t.Fatalf("%d entries, beginning with %s, %s", len(z.File), z.File[0].Name, z.File[1].Name)
	}
	if got := content(t, z.File[0]); got != "the adapter" || z.File[0].Mode() != 0o755 {
		t.Errorf("bootstrap is %q, mode %v", got, z.File[0].Mode())
	}
	var unpacked int64
	for i, e := range z.File {
		unpacked += int64(e.UncompressedSize64)
		if !e.Modified.Equal(time.Date(1980, 1, 1, 0, 0, 0, 0, time.UTC)) {
			t.Errorf("%s: time %v", e.Name, e.Modified)
		}
		if i < 2 {
			continue
		}
		f := files[i-2]
		if e.Name != "app/"+f.Path {
			t.Fatalf("entry %d is %s", i, e.Name)
		}
		if f.Link != "" {
			unpacked -= int64(e.UncompressedSize64)
			if e.Mode().Type() != fs.ModeSymlink || content(t, e) != f.Link {
				t.Errorf("%s: mode %v", e.Name, e.Mode())
			}
			continue
		}
		if e.Mode() != perm(f) {
			t.Errorf("%s: mode %v", e.Name, e.Mode())
		}
		same(t, f, strings.NewReader(content(t, e)))
		sum := sha256.Sum256([]byte(content(t, e)))
		if got := r.Files[i-2]; got.SHA256 != hex.EncodeToString(sum[:]) || got.Path != f.Path || got.Size != f.Info.Size() {
			t.Errorf("result says %+v", got)
		}
	}
	if unpacked != r.Unpacked {
		t.Errorf("unpacked size is %d, the result says %d", unpacked, r.Unpacked)
	}
}

func TestOutputDependsOnContentOnly(t *testing.T) {
	files := sample(t)
	layer, bundle, _ := packed(t, files, 1)
	for _, f := range files {
		if f.Link == "" {
			old := time.Date(2001, 2, 3, 4, 5, 6, 7, time.UTC)
			if err := os.Chtimes(f.Source, old, old); err != nil {
				t.Fatal(err)
			}
		}
	}
	for i := range files {
		if files[i].Link == "" {
			info, err := os.Lstat(files[i].Source)
			if err != nil {
				t.Fatal(err)
			}
			files[i].Info = info
		}
	}
	for _, workers := range []int{1, 2, 7} {
		l, b, _ := packed(t, files, workers)
		if !bytes.Equal(l, layer) || !bytes.Equal(b, bundle) {
			t.Errorf("%d workers give other bytes", workers)
		}
	}
}

func TestFileThatChangedIsAnError(t *testing.T) {
	for name, change := range map[string]func(path string) error{
		"grown":    func(p string) error { return os.WriteFile(p, make([]byte, 200_000), 0o644) },
		"shrunk":   func(p string) error { return os.Truncate(p, 10) },
		"replaced": func(p string) error { return os.Chtimes(p, time.Time{}, time.Unix(1, 0)) },
	} {
		for size, n := range map[string]int{"small": 100, "big": 100_000} {
			t.Run(name+" "+size, func(t *testing.T) {
				files := write(t, map[string][]byte{"x": make([]byte, n)})
				if err := change(files[0].Source); err != nil {
					t.Fatal(err)
				}
				_, err := Pack(context.Background(), files, Options{Dir: "app"}, io.Discard, io.Discard)
				if !errors.Is(err, ErrChanged) || !strings.Contains(err.Error(), `"x"`) {
					t.Errorf("error is %v", err)
				}
			})
		}
	}
}

// changer changes a file at the third write of the layer: by then the file is
// open and its first chunk was read.
type changer struct {
	path   string
	writes int
}

func (c *changer) Write(b []byte) (int, error) {
	if c.writes++; c.writes == 3 {
		return len(b), os.Chtimes(c.path, time.Time{}, time.Unix(1, 0))
	}
	return len(b), nil
}

func TestFileThatChangesWhileItIsReadIsAnError(t *testing.T) {
	files := write(t, map[string][]byte{"x": make([]byte, 24<<20)})
	_, err := Pack(context.Background(), files, Options{Dir: "app"}, &changer{path: files[0].Source}, io.Discard)
	if !errors.Is(err, ErrChanged) {
		t.Errorf("error is %v", err)
	}
}

func TestMissingFileIsAnError(t *testing.T) {
	for _, n := range []int{10, 100_000} {
		files := write(t, map[string][]byte{"x": make([]byte, n)})
		if err := os.Remove(files[0].Source); err != nil {
			t.Fatal(err)
		}
		_, err := Pack(context.Background(), files, Options{Dir: "app"}, io.Discard, io.Discard)
		if !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%d bytes: error is %v", n, err)
		}
	}
}

// canceller cancels on the first write.
type canceller struct{ cancel func() }

func (c canceller) Write(b []byte) (int, error) { c.cancel(); return len(b), nil }

func TestCancelEndsThePacking(t *testing.T) {
	files := write(t, map[string][]byte{"x": make([]byte, 16<<20)})
	ctx, cancel := context.WithCancel(context.Background())
	_, err := Pack(ctx, files, Options{Dir: "app"}, canceller{cancel}, io.Discard)
	if !errors.Is(err, context.Canceled) {
		t.Errorf("error is %v", err)
	}
}

type full struct{}

func (full) Write([]byte) (int, error) { return 0, errors.New("disk full") }

func TestWriteErrorIsReturned(t *testing.T) {
	files := sample(t)
	if _, err := Pack(context.Background(), files, Options{Dir: "app"}, full{}, io.Discard); err == nil || err.Error() != "disk full" {
		t.Errorf("layer: %v", err)
	}
	if _, err := Pack(context.Background(), files, Options{Dir: "app"}, io.Discard, full{}); err == nil || err.Error() != "disk full" {
		t.Errorf("bundle: %v", err)
	}
}

func TestMemoryDoesNotGrowWithTheFile(t *testing.T) {
	file := filepath.Join(t.TempDir(), "big")
	f, err := os.Create(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := f.Truncate(96 << 20); err != nil {
		t.Fatal(err)
	}
	f.Close()
	info, err := os.Lstat(file)
	if err != nil {
		t.Fatal(err)
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	_, err = Pack(context.Background(), []build.File{{Path: "big", Source: file, Info: info}}, Options{Dir: "app", Workers: 2}, io.Discard, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	runtime.ReadMemStats(&after)
	if got := after.TotalAlloc - before.TotalAlloc; got > 24<<20 {
		t.Errorf("%d bytes were allocated", got)
	}
}

func perm(f build.File) fs.FileMode {
	if f.Executable {
		return 0o755
	}
	return 0o644
}

func same(t *testing.T, f build.File, r io.Reader) {
	t.Helper()
	got, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	want, err := os.ReadFile(f.Source)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s: %d bytes differ from the %d of the source", f.Path, len(got), len(want))
	}
}

func content(t *testing.T, f *zip.File) string {
	t.Helper()
	r, err := f.Open()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	b, err := io.ReadAll(r)
	if err != nil {
		t.Fatalf("%s: %v", f.Name, err)
	}
	return string(b)
}
