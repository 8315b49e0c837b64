package golang

import (
	"bytes"
	"context"
	"crypto/sha256"
	"debug/elf"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/twofoldhq/twofold/build"
	"github.com/twofoldhq/twofold/build/tree"
	"github.com/twofoldhq/twofold/manifest/schema"
)

var (
	amd64 = build.Platform{OS: "linux", Arch: "amd64"}
	arm64 = build.Platform{OS: "linux", Arch: "arm64"}
)

const (
	goMod  = "module example.com/app\n\ngo 1.24\n"
	mainGo = "package main\n\nimport \"os\"\n\nfunc main() { os.Stdout.WriteString(\"one\\n\") }\n"
)

// project is a folder with a module and the request to build it.
type project struct {
	t *testing.T
	build.Request
	log bytes.Buffer
}

func newProject(t *testing.T, files map[string]string) *project {
	t.Helper()
	p := &project{t: t}
	p.Dir = t.TempDir()
	p.Service = "api"
	p.WorkDir = filepath.Join(p.Dir, ".twofold/build/api/go")
	p.Platforms = []build.Platform{amd64}
	p.Settings = schema.Values{}
	p.Log = &p.log
	for name, content := range files {
		p.write(name, content)
	}
	return p
}

func (p *project) write(name, content string) {
	p.t.Helper()
	at := filepath.Join(p.Dir, name)
	if err := os.MkdirAll(filepath.Dir(at), 0o755); err != nil {
		p.t.Fatal(err)
	}
	if err := os.WriteFile(at, []byte(content), 0o644); err != nil {
		p.t.Fatal(err)
	}
}

func (p *project) build() ([]*build.Tree, error) {
	p.log.Reset()
	return Builder{}.Build(p.t.Context(), p.Request)
}

func (p *project) mustBuild() []*build.Tree {
	p.t.Helper()
	trees, err := p.build()
	if err != nil {
		p.t.Fatalf("%v\n%s", err, p.log.String())
	}
	return trees
}

// server returns the path of the binary in a tree.
func server(t *testing.T, tr *build.Tree) build.File {
	t.Helper()
	for _, f := range tr.Files {
		if f.Path == "server" {
			if !f.Executable {
				t.Error("the binary is not executable")
			}
			return f
		}
	}
	t.Fatal("the tree has no binary")
	return build.File{}
}

func output(t *testing.T, f build.File, args ...string) string {
	t.Helper()
	out, err := exec.Command(f.Source, args...).Output()
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}

func TestBuildMakesAStaticBinaryForEachPlatform(t *testing.T) {
	p := newProject(t, map[string]string{"go.mod": goMod, "cmd/api/main.go": mainGo})
	p.Settings["package"] = "./cmd/api"
	p.Settings["args"] = []string{"serve"}
	p.Platforms = []build.Platform{arm64, amd64}
	trees := p.mustBuild()
	for i, machine := range []elf.Machine{elf.EM_AARCH64, elf.EM_X86_64} {
		tr := trees[i]
		if tr.Platform != p.Platforms[i] || tr.Runtime != "" {
			t.Errorf("got tree %+v", tr)
		}
		if diff := cmp.Diff([]string{"./server", "serve"}, tr.Command); diff != "" {
			t.Error(diff)
		}
		f, err := elf.Open(server(t, tr).Source)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		if f.Machine != machine || f.Section(".symtab") != nil || f.Section(".dynamic") != nil {
			t.Errorf("%s: machine %v, sections %v", tr.Platform, f.Machine, f.Sections)
		}
	}
	if got := output(t, server(t, trees[1])); got != "one\n" {
		t.Errorf("the app prints %q", got)
	}
}

func TestSecondBuildLeavesTheBinaryUntouched(t *testing.T) {
	p := newProject(t, map[string]string{"go.mod": goMod, "main.go": mainGo})
	p.Platforms = []build.Platform{amd64, arm64}
	first := p.mustBuild()
	second := p.mustBuild()
	for i := range first {
		a, b := server(t, first[i]).Info, server(t, second[i]).Info
		if tree.IdentityOf(a) != tree.IdentityOf(b) {
			t.Errorf("%s: was %s, is %s", first[i].Platform, tree.IdentityOf(a), tree.IdentityOf(b))
		}
	}

	p.write("main.go", strings.Replace(mainGo, "one", "two", 1))
	third := p.mustBuild()
	if got := output(t, server(t, third[0])); got != "two\n" {
		t.Errorf("after a change the app prints %q", got)
	}
	p.write("main.go", mainGo)
	if got := output(t, server(t, p.mustBuild()[0])); got != "one\n" {
		t.Errorf("after going back the app prints %q", got)
	}
}

// Whatever a crash or a person leaves in the work folder, the next build mends.
func TestDamagedWorkFolderIsMended(t *testing.T) {
	p := newProject(t, map[string]string{"go.mod": goMod, "main.go": mainGo})
	want := digest(t, server(t, p.mustBuild()[0]).Source)
	at := filepath.Join(p.WorkDir, "linux-amd64")
	for _, c := range []struct {
		name string
		do   func() error
	}{
		{"binary gone", func() error { return os.Remove(filepath.Join(at, "server")) }},
		{"binary truncated", func() error { return os.Truncate(filepath.Join(at, "server"), 100_000) }},
		{"binary written over", func() error { return overwrite(filepath.Join(at, "server"), 200_000) }},
		{"stub gone", func() error { return os.Remove(filepath.Join(at, "go/server")) }},
		{"stub empty", func() error { return os.Truncate(filepath.Join(at, "go/server"), 0) }},
		{"stub written over", func() error { return overwrite(filepath.Join(at, "go/server"), 60_000) }},
		{"record gone", func() error { return os.Remove(filepath.Join(at, "record")) }},
		{"record damaged", func() error { return os.WriteFile(filepath.Join(at, "record"), []byte("x"), 0o644) }},
		{"killed after the rename", func() error {
			return os.Rename(filepath.Join(at, "go/server"), filepath.Join(at, "server"))
		}},
		{"killed while go worked", func() error {
			return os.MkdirAll(filepath.Join(p.WorkDir, "tmp/go-build123/b001"), 0o755)
		}},
		{"all gone", func() error { return os.RemoveAll(p.WorkDir) }},
	} {
		if err := c.do(); err != nil {
			t.Fatal(err)
		}
		if got := digest(t, server(t, p.mustBuild()[0]).Source); got != want {
			t.Errorf("%s: the next build returns another binary", c.name)
		}
		if left, _ := filepath.Glob(filepath.Join(p.WorkDir, "tmp*")); len(left) > 0 {
			t.Errorf("%s: left %v", c.name, left)
		}
	}
}

func overwrite(path string, at int64) error {
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	defer f.Close()
	_, err = f.WriteAt([]byte("damage"), at)
	return err
}

func digest(t *testing.T, path string) string {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("%x", h.Sum(nil))
}

func TestFailedBuildLeavesTheOneBeforeUsable(t *testing.T) {
	p := newProject(t, map[string]string{"go.mod": goMod, "main.go": mainGo})
	before := server(t, p.mustBuild()[0])
	p.write("main.go", "package main\n\nfunc main() { undefined() }\n")
	if _, err := p.build(); err == nil {
		t.Fatal("no error")
	}
	now, err := os.Lstat(before.Source)
	if err != nil || tree.IdentityOf(now) != tree.IdentityOf(before.Info) {
		t.Errorf("the binary of the build before was touched: %v", err)
	}
	p.write("main.go", mainGo)
	if after := server(t, p.mustBuild()[0]); tree.IdentityOf(after.Info) != tree.IdentityOf(before.Info) {
		t.Error("the mended code was linked again, though its binary was there")
	}
}

func TestCompilerOutputIsShownOnceAndWhole(t *testing.T) {
	p := newProject(t, map[string]string{"go.mod": goMod,
		"main.go": "package main\n\nfunc main() {\n\tfirst()\n\tsecond()\n}\n"})
	p.Platforms = []build.Platform{amd64, arm64}
	_, err := p.build()
	var e *build.ToolError
	if !errors.As(err, &e) {
		t.Fatalf("got %v", err)
	}
	const want = "# example.com/app\n./main.go:4:2: undefined: first\n./main.go:5:2: undefined: second\n"
	if e.Output != want || p.log.String() != want {
		t.Errorf("error has\n%s\nlog has\n%s", e.Output, p.log.String())
	}
	if !strings.HasPrefix(e.Tool, "GOOS=linux GOARCH=amd64 go build -trimpath ") {
		t.Errorf("the tool is %q", e.Tool)
	}
}

func TestOneFailingPlatformIsReported(t *testing.T) {
	p := newProject(t, map[string]string{"go.mod": goMod, "main.go": mainGo,
		"arm_arm64.go": "package main\n\nvar x int = \"\"\n"})
	p.Platforms = []build.Platform{amd64, arm64}
	_, err := p.build()
	var e *build.ToolError
	if !errors.As(err, &e) || !strings.Contains(e.Output, "arm_arm64.go") || !strings.Contains(e.Tool, "GOARCH=arm64") {
		t.Fatalf("got %v", err)
	}
	if p.log.String() != e.Output {
		t.Errorf("log has %q", p.log.String())
	}
}

func TestLdflagsTagsAndEnvReachTheCompiler(t *testing.T) {
	p := newProject(t, map[string]string{"go.mod": goMod,
		"main.go": "package main\n\nimport \"os\"\n\nvar version, tag string\n\nfunc main() { os.Stdout.WriteString(version + tag) }\n",
		"tag.go":  "//go:build special\n\npackage main\n\nfunc init() { tag += \" tagged\" }\n",
		"json.go": "//go:build goexperiment.jsonv2\n\npackage main\n\nfunc init() { tag += \" experiment\" }\n",
	})
	p.Settings["ldflags"] = []string{"-X main.version=1.2", "-X", "'main.unused=a b'"}
	p.Settings["tags"] = []string{"other", "special"}
	p.Settings["env"] = map[string]string{"GOEXPERIMENT": "jsonv2"}
	got := output(t, server(t, p.mustBuild()[0]))
	if !strings.HasPrefix(got, "1.2") || !strings.Contains(got, " tagged") || !strings.Contains(got, " experiment") {
		t.Errorf("the app prints %q", got)
	}
}

// Two clones in folders of other names, with another umask, time zone, locale and
// file times, and with no shared build cache, give the same bytes.
func TestBinaryIsTheSameEverywhere(t *testing.T) {
	files := map[string]string{"go.mod": goMod, "main.go": mainGo}
	a := newProject(t, files)
	want := map[build.Platform]string{}
	a.Platforms = []build.Platform{amd64, arm64}
	for _, tr := range a.mustBuild() {
		want[tr.Platform] = digest(t, server(t, tr).Source)
	}

	b := newProject(t, map[string]string{"deeper down/service/go.mod": goMod, "deeper down/service/main.go": mainGo})
	b.Platforms = a.Platforms
	b.Settings["dir"] = "deeper down/service"
	b.WorkDir = filepath.Join(t.TempDir(), "elsewhere")
	t.Setenv("TZ", "Pacific/Auckland")
	t.Setenv("LC_ALL", "tr_TR.UTF-8")
	t.Setenv("GOAMD64", "v3")
	t.Setenv("GOFLAGS", "-buildvcs=true")
	t.Setenv("GOTMPDIR", t.TempDir())
	if err := exec.Command("git", "-C", b.Dir, "init", "-q").Run(); err != nil {
		t.Fatal(err)
	}
	defer umask(0o077)()
	for _, tr := range b.mustBuild() {
		if got := digest(t, server(t, tr).Source); got != want[tr.Platform] {
			t.Errorf("%s: %s here, %s there", tr.Platform, want[tr.Platform], got)
		}
	}
}

func TestFilesLieBesideTheBinary(t *testing.T) {
	p := newProject(t, map[string]string{"svc/go.mod": goMod, "svc/main.go": mainGo,
		"svc/static/a.css": "", "svc/config.yml": "", "svc/server": ""})
	p.Settings["dir"] = "svc"
	p.Settings["files"] = []string{"static", "config.yml"}
	var paths []string
	for _, f := range p.mustBuild()[0].Files {
		paths = append(paths, f.Path)
	}
	if diff := cmp.Diff([]string{"config.yml", "server", "static/a.css"}, paths); diff != "" {
		t.Error(diff)
	}
	for _, bad := range []string{"../outside", "server", "missing"} {
		p.Settings["files"] = []string{bad}
		if _, err := p.build(); err == nil || !strings.Contains(err.Error(), "build go: files:") {
			t.Errorf("%s: got %v", bad, err)
		}
	}
}

func TestCancelledBuildLeavesNothing(t *testing.T) {
	p := newProject(t, map[string]string{"go.mod": goMod, "main.go": mainGo})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := Builder{}.Build(ctx, p.Request)
	if !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	if left, _ := filepath.Glob(filepath.Join(p.WorkDir, "tmp*")); len(left) > 0 {
		t.Errorf("left %v", left)
	}
}
