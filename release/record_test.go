package release

import (
	"bytes"
	"context"
	"io/fs"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/twofoldhq/twofold/build"
)

// age waits until no file of the trees is so young that its times could hide a
// change, which takes one tick of the file system's clock.
func age(t *testing.T, trees []*build.Tree) {
	t.Helper()
	for _, tree := range trees {
		for i := range tree.Files {
			for tree.Files[i].Link == "" && mayHideChange(&tree.Files[i], time.Now()) {
				time.Sleep(time.Millisecond)
			}
		}
	}
}

// removeSources makes sure that no content can be read.
func removeSources(t *testing.T, trees []*build.Tree) {
	t.Helper()
	for _, tree := range trees {
		for _, f := range tree.Files {
			if f.Link == "" {
				if err := os.Remove(f.Source); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
}

func TestUnchangedTreesAreNotRead(t *testing.T) {
	s, in := openStore(t, t.TempDir()), spec(t, t.TempDir())
	age(t, in.Trees)
	first := assembled(t, s, in)
	removeSources(t, in.Trees)
	second := assembled(t, openStore(t, s.Dir()), in)
	if first.Digest != second.Digest || len(second.Forms) != len(first.Forms) {
		t.Errorf("%+v, then %+v", first, second)
	}
}

func TestYoungFilesAreReadOnceMoreAndThenNoMore(t *testing.T) {
	s, in := openStore(t, t.TempDir()), spec(t, t.TempDir())
	for _, tree := range in.Trees { // as if they had been written just now, however slow this machine is
		for i := range tree.Files {
			if f := &tree.Files[i]; f.Link == "" {
				when := time.Now().Add(time.Second)
				if err := os.Chtimes(f.Source, when, when); err != nil {
					t.Fatal(err)
				}
			}
		}
		look(t, tree)
	}
	first := assembled(t, s, in)
	age(t, in.Trees)
	if second := assembled(t, s, in); second.Digest != first.Digest {
		t.Fatal("it changed")
	}
	removeSources(t, in.Trees)
	assembled(t, s, in)
}

// frozen is an Info that knows as little as that of a poor file system.
type frozen struct {
	name string
	size int64
	mod  time.Time
}

func (f frozen) Name() string       { return f.name }
func (f frozen) Size() int64        { return f.size }
func (f frozen) Mode() fs.FileMode  { return 0o644 }
func (f frozen) ModTime() time.Time { return f.mod }
func (f frozen) IsDir() bool        { return false }
func (f frozen) Sys() any           { return nil }

func TestChangeThatTimesDoNotShowIsFound(t *testing.T) {
	for name, when := range map[string]time.Time{
		"within a tick":            time.Now().Add(time.Hour).Round(0),
		"within two seconds":       time.Now().Truncate(time.Second),
		"with times in the future": time.Now().Add(24 * 365 * time.Hour),
	} {
		t.Run(name, func(t *testing.T) {
			s, in := openStore(t, t.TempDir()), spec(t, t.TempDir())
			write := func(content string) {
				f := &in.Trees[0].Files[1]
				if err := os.WriteFile(f.Source, []byte(content), 0o644); err != nil {
					t.Fatal(err)
				}
				if err := os.Chtimes(f.Source, when, when); err != nil {
					t.Fatal(err)
				}
				f.Info = frozen{f.Path, int64(len(content)), when}
			}
			write("one")
			one := assembled(t, s, in)
			write("two")
			two := assembled(t, s, in)
			if one.Digest == two.Digest {
				t.Error("the change was missed")
			}
		})
	}
}

func TestEachInputCounts(t *testing.T) {
	s, in := openStore(t, t.TempDir()), spec(t, t.TempDir())
	age(t, in.Trees)
	seen := map[string]string{assembled(t, s, in).Digest: "nothing"}
	changes := []struct {
		name   string
		change func(in *Spec)
	}{
		{"port", func(in *Spec) { in.Port = 9090 }},
		{"health", func(in *Spec) { in.Health = "/ready" }},
		{"service", func(in *Spec) { in.Service = "web" }},
		{"project", func(in *Spec) { in.Project = "office" }},
		{"command", func(in *Spec) { in.Trees[0].Command = []string{"./server"} }},
		{"env", func(in *Spec) { in.Trees[0].Env = map[string]string{"MODE": "test"} }},
		{"mode", func(in *Spec) { in.Trees[0].Files[1].Executable = true }},
		{"link", func(in *Spec) { in.Trees[0].Files[0].Link = "public/empty" }},
		{"file gone", func(in *Spec) { in.Trees[0].Files = append(in.Trees[0].Files[:1], in.Trees[0].Files[2:]...) }},
		{"path", func(in *Spec) { in.Trees[0].Files[1].Path = "public/a" }},
		{"platforms", func(in *Spec) { in.Trees = in.Trees[:1] }},
	}
	for _, c := range changes {
		other := in
		other.Trees = nil
		for _, tree := range in.Trees {
			copied := *tree
			copied.Files = append([]build.File(nil), tree.Files...)
			other.Trees = append(other.Trees, &copied)
		}
		c.change(&other)
		digest := assembled(t, s, other).Digest
		if before, ok := seen[digest]; ok {
			t.Errorf("%s gives the same as %s", c.name, before)
		}
		seen[digest] = c.name
	}
	s.adapter = func(arch string) (adapter, error) {
		a, err := fakeAdapter(arch)
		a.SHA256, a.Version = strings.Repeat("0", 64), "v2"
		return a, err
	}
	if before, ok := seen[assembled(t, s, in).Digest]; ok {
		t.Errorf("another adapter gives the same as %s", before)
	}
}

func TestMissingOrCutBlobIsMadeAgain(t *testing.T) {
	for name, damage := range map[string]func(path string) error{
		"missing": os.Remove,
		"cut":     func(path string) error { return os.Truncate(path, 1) },
	} {
		t.Run(name, func(t *testing.T) {
			s, in := openStore(t, t.TempDir()), spec(t, t.TempDir())
			age(t, in.Trees)
			r := assembled(t, s, in)
			var all []descriptor
			if err := r.blobs(context.Background(), func(d descriptor) error { all = append(all, d); return nil }); err != nil {
				t.Fatal(err)
			}
			for _, d := range all {
				if err := damage(s.blobPath(string(d.Digest))); err != nil {
					t.Fatal(err)
				}
				again := assembled(t, s, in)
				if again.Digest != r.Digest {
					t.Fatalf("%s: the digest changed", d.MediaType)
				}
				wantVerified(t, again)
			}
		})
	}
}

func wantVerified(t *testing.T, r *Release) {
	t.Helper()
	report, err := Verify(context.Background(), r)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range report.Findings {
		if f.Result == Fail {
			t.Errorf("%s: %s: %s", f.Subject, f.Check, f.Detail)
		}
	}
}

func TestDamagedBlobIsFoundRemovedAndMadeAgain(t *testing.T) {
	s, in := openStore(t, t.TempDir()), spec(t, t.TempDir())
	age(t, in.Trees)
	r := assembled(t, s, in)
	f, err := r.Form(Bundle, amd64)
	if err != nil {
		t.Fatal(err)
	}
	m, err := r.formManifest(f, Bundle)
	if err != nil {
		t.Fatal(err)
	}
	path := s.blobPath(string(m.Layers[0].Digest))
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	content[len(content)/2] ^= 1
	if err := os.WriteFile(path, content, 0o644); err != nil {
		t.Fatal(err)
	}
	report, err := Verify(context.Background(), r)
	if err != nil || report.OK() {
		t.Errorf("verify: %v, %v", report, err)
	}
	var out bytes.Buffer
	err = r.WriteBundle(context.Background(), f, &out)
	if err == nil || !strings.Contains(err.Error(), "it was removed: build or deploy again") {
		t.Errorf("error is %v", err)
	}
	if _, err := os.Stat(path); !os.IsNotExist(err) {
		t.Error("it is still there")
	}
	wantVerified(t, assembled(t, s, in))
}

func BenchmarkUnchanged(b *testing.B) {
	for name, n := range map[string]int{"1file": 1, "3743files": 3743} {
		b.Run(name, func(b *testing.B) {
			content := map[string][]byte{"server": program(b, amd64, "")}
			for i := 1; i < n; i++ {
				content[strings.Repeat("modules/", i%5)+"m"+strings.Repeat("x", i%30)+time.Duration(i).String()] = []byte("x")
			}
			s := openStore(b, b.TempDir())
			in := Spec{Project: "p", Service: "api", Port: 1, Trees: []*build.Tree{treeOf(b, b.TempDir(), amd64, content, nil)}}
			time.Sleep(2 * tick)
			assembled(b, s, in)
			for b.Loop() {
				s, err := OpenStore(s.Dir())
				if err != nil {
					b.Fatal(err)
				}
				s.adapter = fakeAdapter
				assembled(b, s, in)
				if err := s.Prune("api", 3); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
