package release

import (
	"context"
	"errors"
	"flag"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/twofoldhq/twofold/build"
	"github.com/twofoldhq/twofold/release/pack"
)

var update = flag.Bool("update", false, "write the golden files anew")

func TestSameInputsGiveTheSameDigest(t *testing.T) {
	one := assembled(t, openStore(t, t.TempDir()), spec(t, t.TempDir()))

	// Another umask, time zone, number of processors, folder and day.
	old := syscall.Umask(0o077)
	defer syscall.Umask(old)
	zone := time.Local
	time.Local = time.FixedZone("elsewhere", -8*3600)
	defer func() { time.Local = zone }()
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	other := spec(t, filepath.Join(t.TempDir(), "else", "where"))
	for _, tree := range other.Trees {
		for _, f := range tree.Files {
			if f.Link == "" {
				if err := os.Chtimes(f.Source, time.Unix(1, 0), time.Unix(1, 2)); err != nil {
					t.Fatal(err)
				}
			}
		}
		look(t, tree)
	}
	other.Trees[0], other.Trees[1] = other.Trees[1], other.Trees[0]
	s := openStore(t, filepath.Join(t.TempDir(), "store"))
	two := assembled(t, s, other)
	if one.Digest != two.Digest {
		t.Errorf("%s and %s", one.Digest, two.Digest)
	}
	err := filepath.WalkDir(s.Dir(), func(path string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := e.Info()
		if err != nil {
			return err
		}
		if want := map[bool]fs.FileMode{true: 0o755, false: 0o644}[e.IsDir()]; info.Mode().Perm() != want && !strings.HasSuffix(path, ".lock") {
			t.Errorf("%s has mode %v", path, info.Mode())
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestFormsAreListedInOrder(t *testing.T) {
	r := assembled(t, openStore(t, t.TempDir()), spec(t, t.TempDir()))
	var got []string
	for _, f := range r.Forms {
		got = append(got, string(f.Kind)+" "+f.Platform.String())
		if f.Tree == "" || f.Size == 0 || f.Digest == "" {
			t.Errorf("%+v", f)
		}
	}
	if want := []string{"image linux/amd64", "image linux/arm64", "bundle linux/amd64", "bundle linux/arm64"}; !cmp.Equal(got, want) {
		t.Error(got)
	}
	if f, err := r.Form(Bundle, arm64); err != nil || f != r.Forms[3] {
		t.Errorf("%+v, %v", f, err)
	}
	one := spec(t, t.TempDir())
	one.Trees = one.Trees[:1]
	r = assembled(t, r.store, one)
	if _, err := r.Form(Image, arm64); err == nil || !strings.Contains(err.Error(), "only: image linux/amd64, bundle linux/amd64") {
		t.Errorf("error is %v", err)
	}
}

// TestDocuments compares the JSON of a release with golden files. A change there
// is a change of the format.
func TestDocuments(t *testing.T) {
	s := openStore(t, t.TempDir())
	in := spec(t, t.TempDir())
	in.Trees = in.Trees[:1]
	r := assembled(t, s, in)
	index, err := r.indexDocument()
	if err != nil {
		t.Fatal(err)
	}
	image, err := s.manifest(index.Manifests[0])
	if err != nil {
		t.Fatal(err)
	}
	layout, err := os.ReadFile(filepath.Join(s.Dir(), "index.json"))
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "layout.json", layout)
	for name, d := range map[string]descriptor{
		"index.json": r.index, "image.json": index.Manifests[0], "config.json": image.Config, "bundle.json": index.Manifests[1],
	} {
		raw, err := s.document(d)
		if err != nil {
			t.Fatal(err)
		}
		golden(t, name, raw)
	}
}

func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", "golden", name)
	if *update {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("%s differs (run go test -update to accept):\n%s", name, diff)
	}
}

func TestWrongInputsAreErrorsWithTheirFix(t *testing.T) {
	static := program(t, amd64, "")
	tests := []struct {
		name   string
		change func(s *Spec, tree *build.Tree)
		want   string
	}{
		{"no tree", func(s *Spec, _ *build.Tree) { s.Trees = nil }, "made no app tree"},
		{"no port", func(s *Spec, _ *build.Tree) { s.Port = 0 }, "use one from 1 to 65535"},
		{"no command", func(_ *Spec, tr *build.Tree) { tr.Command = nil }, "has no command"},
		{"command is no UTF-8", func(_ *Spec, tr *build.Tree) { tr.Command = []string{"./server", "\xff"} }, "is not UTF-8"},
		{"env has a zero byte", func(_ *Spec, tr *build.Tree) { tr.Env = map[string]string{"A": "\x00"} }, "is not UTF-8"},
		{"two for a platform", func(s *Spec, tr *build.Tree) { s.Trees = append(s.Trees, tr) }, "two app trees for linux/amd64"},
		{"command is missing", func(_ *Spec, tr *build.Tree) { tr.Command = []string{"./nothing"} }, "no file of the build"},
		{"command is not executable", func(_ *Spec, tr *build.Tree) { tr.Command = []string{"./note.txt"} }, "chmod +x"},
		{"command of PATH", func(_ *Spec, tr *build.Tree) { tr.Command = []string{"node", "x.js"} }, "begin it with ./"},
		{"unsorted", func(_ *Spec, tr *build.Tree) { tr.Files[0], tr.Files[1] = tr.Files[1], tr.Files[0] }, "not sorted"},
		{"path above the tree", func(_ *Spec, tr *build.Tree) { tr.Files[0].Path = "../x" }, "not one within the app tree"},
		{"absolute path", func(_ *Spec, tr *build.Tree) { tr.Files[0].Path = "/x" }, "not one within the app tree"},
		{"name is no UTF-8", func(_ *Spec, tr *build.Tree) { tr.Files[0].Path = "a\xff" }, "not UTF-8: rename"},
		{"link out of the tree", func(_ *Spec, tr *build.Tree) { tr.Files[0] = build.File{Path: "a", Link: "../../etc/passwd"} }, "copy the file instead"},
		{"absolute link", func(_ *Spec, tr *build.Tree) { tr.Files[0] = build.File{Path: "a", Link: "/etc/passwd"} }, "copy the file instead"},
		{"loop of links", func(_ *Spec, tr *build.Tree) {
			tr.Files[0] = build.File{Path: "a", Link: "a"}
			tr.Command = []string{"./a"}
		}, "loop of links"},
		{"unknown runtime", func(_ *Spec, tr *build.Tree) { tr.Runtime = "cobol85" }, `set base = "IMAGE"`},
	}
	programs := []struct {
		name    string
		content []byte
		want    string
	}{
		{"dynamic", program(t, amd64, "/lib64/ld-linux-x86-64.so.2"), "it needs /lib64/ld-linux-x86-64.so.2), and twofold's own base has no libc: link it statically"},
		{"script", []byte("#!/bin/sh\n"), "has no shell: set base"},
		{"other architecture", program(t, arm64, ""), "is built for aarch64: build it for linux/amd64"},
		{"other system", []byte("MZ.............."), "no Linux program: build it for linux/amd64"},
		{"cut off", static[:40], "no Linux program that can be read"},
		{"empty", nil, "no Linux program"},
	}
	content := map[string][]byte{"server": static, "note.txt": []byte("n"), "a": []byte("a")}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			tree := treeOf(t, t.TempDir(), amd64, content, nil)
			in := Spec{Service: "api", Port: 1, Trees: []*build.Tree{tree}}
			test.change(&in, tree)
			wantError(t, in, test.want)
		})
	}
	for _, test := range programs {
		t.Run(test.name, func(t *testing.T) {
			tree := treeOf(t, t.TempDir(), amd64, map[string][]byte{"server": test.content}, nil)
			wantError(t, Spec{Service: "api", Port: 1, Trees: []*build.Tree{tree}}, test.want)
		})
	}
}

// wantError assembles what cannot be, and checks that nothing is left of it.
func wantError(t *testing.T, in Spec, want string) {
	t.Helper()
	s := openStore(t, t.TempDir())
	_, err := Assemble(context.Background(), s, in, Options{})
	if err == nil || !strings.Contains(err.Error(), want) || !strings.HasPrefix(err.Error(), `release: assemble "api": `) {
		t.Errorf("error is %v", err)
	}
	if strings.Count(err.Error(), "release: ") != 1 {
		t.Errorf("the room is named more than once: %v", err)
	}
	noDebris(t, s)
}

func noDebris(t *testing.T, s *Store) {
	t.Helper()
	left, err := os.ReadDir(filepath.Join(s.Dir(), "tmp"))
	if err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

func TestLinkToTheCommandIsFollowed(t *testing.T) {
	tree := treeOf(t, t.TempDir(), amd64, map[string][]byte{"server": program(t, amd64, "")}, map[string]string{"bin/start": "../server"})
	tree.Command = []string{"./bin/start"}
	assembled(t, openStore(t, t.TempDir()), Spec{Service: "api", Port: 1, Trees: []*build.Tree{tree}})
}

func TestChangedFileIsAnError(t *testing.T) {
	in := spec(t, t.TempDir())
	if err := os.WriteFile(in.Trees[0].Files[1].Source, []byte("more than before"), 0o644); err != nil {
		t.Fatal(err)
	}
	s := openStore(t, t.TempDir())
	_, err := Assemble(context.Background(), s, in, Options{})
	if !errors.Is(err, pack.ErrChanged) {
		t.Errorf("error is %v", err)
	}
	noDebris(t, s)
}

func TestCancelLeavesNothing(t *testing.T) {
	s := openStore(t, t.TempDir())
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	_, err := Assemble(ctx, s, spec(t, t.TempDir()), Options{})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("error is %v", err)
	}
	noDebris(t, s)
}

func TestBundleOverTheLimitIsAWarning(t *testing.T) {
	tree := treeOf(t, t.TempDir(), amd64, map[string][]byte{"server": program(t, amd64, ""), "big": nil}, nil)
	if err := os.Truncate(tree.Files[0].Source, 3<<20); err != nil {
		t.Fatal(err)
	}
	look(t, tree)
	var warned string
	s := openStore(t, t.TempDir())
	if s.limit != 250<<20 {
		t.Errorf("the limit is %d", s.limit)
	}
	s.limit = 3 << 20
	r, err := Assemble(context.Background(), s, Spec{Service: "api", Port: 1, Trees: []*build.Tree{tree}}, Options{Warn: func(m string) { warned = m }})
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(warned, "AWS Lambda takes 3 MiB") {
		t.Errorf("warning is %q", warned)
	}
	_, err = r.Unpack(context.Background(), r.Forms[1], t.TempDir())
	if err == nil || !strings.Contains(err.Error(), "more than 3 MiB") {
		t.Errorf("unpack: %v", err)
	}
}

func TestEmptyConfigIsTheOneOfTheSpecification(t *testing.T) {
	s := openStore(t, t.TempDir())
	d, err := s.put(ocispec.MediaTypeEmptyJSON, []byte("{}"))
	if err != nil {
		t.Fatal(err)
	}
	if d.Digest != ocispec.DescriptorEmptyJSON.Digest || d.Size != ocispec.DescriptorEmptyJSON.Size {
		t.Errorf("%+v", d)
	}
}
