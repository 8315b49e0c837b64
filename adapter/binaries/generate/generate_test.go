package main

import (
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"testing"
)

// packages are those with programs: where their sources lie, seen from here, and the
// folders of each.
var packages = []struct {
	name, sources string
	folders       []string
}{
	{"adapter/binaries", "adapter", []string{".", "secrets"}},
	{"targets/gateway/binaries", "targets/gateway/program", []string{"."}},
}

const root = "../../.."

func remedy(name string) string {
	return "its sources have changed since the programs were built: run go generate ./" + name + " and commit the result"
}

// record returns what the committed record of a package says.
func record(t *testing.T, name, pattern string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, name, "record.go"))
	if err != nil {
		t.Fatal(err)
	}
	m := regexp.MustCompile(pattern).FindSubmatch(text)
	if m == nil {
		t.Fatalf("the record of %s does not hold %s", name, pattern)
	}
	return string(m[1])
}

func TestBinariesAreThoseOfTheSources(t *testing.T) {
	for _, in := range packages {
		for _, folder := range in.folders {
			got, err := sourceDigest(t.Context(), filepath.Join(root, in.sources, folder))
			if err != nil {
				t.Fatal(err)
			}
			if want := record(t, in.name, `const `+programOf(folder).name("SourceDigest")+`\s*= "(\w+)"`); got != want {
				t.Errorf("%s, %q: %s", in.name, folder, remedy(in.name))
			}
		}
	}
}

func TestRebuildGivesTheSameBytes(t *testing.T) {
	for _, in := range packages {
		if built := record(t, in.name, `goVersion\s*= "([^"]+)"`); built != runtime.Version() {
			t.Logf("THE BYTES OF %s ARE NOT COMPARED: the committed programs were built with %s, this is %s", in.name, built, runtime.Version())
			continue
		}
		for _, folder := range in.folders {
			for _, arch := range architectures {
				program, err := compile(t.Context(), filepath.Join(root, in.sources, folder), arch, t.TempDir())
				if err != nil {
					t.Fatal(err)
				}
				want := record(t, in.name, `gzip: `+programOf(folder).name("Gzip"+arch)+`,.*sha256: "(\w+)"`)
				if got := fmt.Sprintf("%x", sha256.Sum256(program)); got != want {
					t.Errorf("%s, %q for linux/%s: the sources give %s, the record has %s: %s", in.name, folder, arch, got, want, remedy(in.name))
				}
			}
		}
	}
}

// A module in a folder of the test's own: what changes a program changes its digest.
func TestTheDigestCoversWhatAProgramIsMadeOf(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) {
		t.Helper()
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	digest := func() string {
		t.Helper()
		d, err := sourceDigest(t.Context(), filepath.Join(dir, "program"))
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	requiring := func(version string) string {
		return "module example.com/m\n\ngo 1.26\n\nrequire example.com/other " + version + "\n\nreplace example.com/other => ./" + version + "\n"
	}
	write("go.mod", requiring("v1.0.0"))
	for _, version := range []string{"v1.0.0", "v1.1.0"} {
		write(version+"/go.mod", "module example.com/other\n")
		write(version+"/other.go", "package other\n")
	}
	write("program/main.go", "package main\n\nimport _ \"example.com/m/part\"\n\nfunc main() {}\n")
	write("part/part.go", "package part\n\nimport (\n\t_ \"embed\"\n\n\t_ \"example.com/other\"\n)\n\n//go:embed text\nvar text string\n")
	write("part/text", "before")
	write("unused/unused.go", "package unused\n")

	seen := map[string]string{digest(): "at first"}
	for _, c := range []struct{ what, name, text string }{
		{"a package that it imports", "part/more.go", "package part\n"},
		{"a file that it embeds", "part/text", "after"},
		{"a file for one processor", "part/more_arm64.go", "package part\n"},
		{"the version of a module", "go.mod", requiring("v1.1.0")},
	} {
		write(c.name, c.text)
		d := digest()
		if before, is := seen[d]; is {
			t.Errorf("%s changed, and the digest is that of %s", c.what, before)
		}
		seen[d] = c.what
	}
	before := digest()
	write("part/part_test.go", "package part\n")
	write("unused/unused.go", "package unused // changed\n")
	if digest() != before {
		t.Error("the digest changes with what the program is not made of")
	}
}
