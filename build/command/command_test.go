package command

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/twofoldhq/twofold/build"
	"github.com/twofoldhq/twofold/manifest/schema"
)

var (
	amd64 = build.Platform{OS: "linux", Arch: "amd64"}
	arm64 = build.Platform{OS: "linux", Arch: "arm64"}
)

// project is a folder with sources and the request to build it. Its command
// copies src to dist and leaves a line in the file runs each time.
type project struct {
	t *testing.T
	build.Request
	log bytes.Buffer
}

const copySrc = `echo run >> "$RUNS"; rm -rf dist; cp -R src dist`

func newProject(t *testing.T, files map[string]string) *project {
	t.Helper()
	p := &project{t: t}
	p.Dir = t.TempDir()
	p.Service = "web"
	p.WorkDir = filepath.Join(p.Dir, ".twofold/build/web/command")
	p.Platforms = []build.Platform{amd64}
	p.Settings = schema.Values{
		"run":    []string{"sh", "-c", copySrc},
		"output": "dist",
		"start":  []string{"node", "server.js"},
		"env":    map[string]string{"RUNS": filepath.Join(t.TempDir(), "runs")},
	}
	p.Log = &p.log
	for name, content := range files {
		p.write(name, content)
	}
	return p
}

func (p *project) path(name string) string { return filepath.Join(p.Dir, name) }

func (p *project) must(err error) {
	p.t.Helper()
	if err != nil {
		p.t.Fatal(err)
	}
}

// write writes a file; "-> x" as the content makes it a link to x.
func (p *project) write(name, content string) {
	p.t.Helper()
	p.must(os.MkdirAll(filepath.Dir(p.path(name)), 0o755))
	if link, ok := strings.CutPrefix(content, "-> "); ok {
		p.must(os.Symlink(link, p.path(name)))
		return
	}
	p.must(os.WriteFile(p.path(name), []byte(content), 0o644))
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

// runs returns how often the command has run.
func (p *project) runs() int {
	p.t.Helper()
	data, err := os.ReadFile(p.Settings.StringMap("env")["RUNS"])
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		p.t.Fatal(err)
	}
	return strings.Count(string(data), "run\n")
}

func paths(tr *build.Tree) []string {
	var all []string
	for _, f := range tr.Files {
		line := f.Path
		if f.Executable {
			line += " x"
		}
		if f.Link != "" {
			line += " -> " + f.Link
		}
		all = append(all, line)
	}
	return all
}

func TestOutputBecomesTheTree(t *testing.T) {
	p := newProject(t, map[string]string{
		"src/server.js":                    "",
		"src/lib/a.js":                     "",
		"src/lib/a.js.map":                 "",
		"src/node_modules/x/cli.js":        "",
		"src/node_modules/.bin/x":          "-> ../x/cli.js",
		"src/.env":                         "SECRET=1",
		"src/twofold.secrets":              "SECRET=1",
		"src/prod.vars.hcl":                "secret = 1",
		"src/.env.production.local":        "SECRET=1",
		"src/.env.production":              "",
		"src/.git/HEAD":                    "",
		"src/node_modules/x/twofold.hcl":   "",
		"src/twofold.hcl":                  "",
		"src/node_modules/x/tests/test.js": "",
	})
	p.must(os.Chmod(p.path("src/node_modules/x/cli.js"), 0o755))
	p.Settings["exclude"] = []string{"*.map", "tests/"}
	p.Settings["runtime"] = "nodejs24.x"
	p.Platforms = []build.Platform{amd64, arm64}
	trees := p.mustBuild()
	want := []string{".env.production", "lib/a.js", "node_modules/.bin/x -> ../x/cli.js",
		"node_modules/x/cli.js x", "node_modules/x/twofold.hcl", "server.js"}
	for i, tr := range trees {
		if diff := cmp.Diff(want, paths(tr)); diff != "" {
			t.Error(diff)
		}
		if diff := cmp.Diff([]string{"node", "server.js"}, tr.Command); diff != "" || tr.Runtime != "nodejs24.x" || tr.Platform != p.Platforms[i] {
			t.Errorf("got %+v", tr)
		}
	}
	if p.runs() != 1 {
		t.Errorf("the command ran %d times for two platforms", p.runs())
	}
}

func TestCommandRunsAgainOnlyAfterAChange(t *testing.T) {
	p := newProject(t, map[string]string{"src/server.js": "1", "package.json": "{}", "lib/x.js": "", "notes/readme": "", "../elsewhere/lib.js": ""})
	p.write("outside", "-> ../elsewhere")
	p.Settings["exclude"] = []string{"notes/"}
	type step struct {
		name string
		do   func()
		runs bool
	}
	change := func(name string) func() { return func() { p.write(name, fmt.Sprint(p.runs(), "changed")) } }
	for _, s := range []step{
		{"the first build", func() {}, true},
		{"nothing", func() {}, false},
		{"a changed source", change("src/server.js"), true},
		{"nothing, again", func() {}, false},
		{"a new source", change("src/new.js"), true},
		{"a removed source", func() { p.must(os.Remove(p.path("src/new.js"))) }, true},
		{"another mode", func() { p.must(os.Chmod(p.path("src/server.js"), 0o755)) }, true},
		{"a file beside the sources", change("package.json"), true},
		{"an excluded file", change("notes/readme"), false},
		{"the manifest", change("twofold.hcl"), false},
		{"a file outside that a link leads to", change("../elsewhere/lib.js"), true},
		{"a changed output", change("dist/server.js"), true},
		{"a removed output", func() { p.must(os.RemoveAll(p.path("dist"))) }, true},
		{"a new file in the output", change("dist/extra"), true},
		{"an excluded new file in the output", change("dist/notes/x"), false},
		{"a changed setting", func() { p.Settings.StringMap("env")["NODE_ENV"] = "production" }, true},
		{"a damaged record", func() { p.must(os.WriteFile(filepath.Join(p.WorkDir, "all.json"), []byte("{"), 0o644)) }, true},
		{"a lost work folder", func() { p.must(os.RemoveAll(p.WorkDir)) }, true},
		{"nothing, at the end", func() {}, false},
	} {
		before := p.runs()
		s.do()
		p.mustBuild()
		if ran := p.runs() > before; ran != s.runs {
			t.Errorf("%s: ran is %v", s.name, ran)
		}
	}
}

// A file written in the moment before the command ran, and again in the same tick
// of the clock, must not be taken for unchanged. Many rounds hit the tick.
func TestChangeRightAfterTheBuildIsSeen(t *testing.T) {
	p := newProject(t, map[string]string{"src/server.js": "0"})
	for i := range 30 {
		p.write("src/server.js", fmt.Sprint(i%10))
		p.mustBuild()
		got, err := os.ReadFile(p.path("dist/server.js"))
		if err != nil || string(got) != fmt.Sprint(i%10) {
			t.Fatalf("round %d: the output has %q, %v", i, got, err)
		}
	}
	if p.runs() != 30 {
		t.Errorf("the command ran %d times", p.runs())
	}
}

func TestInputsThatTheCommandItselfChangesAreNamed(t *testing.T) {
	p := newProject(t, map[string]string{"src/server.js": ""})
	p.Settings["run"] = []string{"sh", "-c", copySrc + `; mkdir -p cache; date +%N > cache/state`}
	for range 2 {
		p.mustBuild()
		if !strings.Contains(p.log.String(), "cache/state") || !strings.Contains(p.log.String(), "inputs") {
			t.Errorf("log has %q", p.log.String())
		}
	}
	p.Settings["inputs"] = []string{"src"}
	p.mustBuild()
	before := p.runs()
	p.mustBuild()
	if p.runs() != before || strings.Contains(p.log.String(), "cache/state") {
		t.Errorf("ran again though inputs is set; log has %q", p.log.String())
	}
}

func TestInputsChooseWhatCounts(t *testing.T) {
	p := newProject(t, map[string]string{"src/server.js": "", "src/a.css": "", "docs/x": "", "package.json": "", "lib/deep/er/x.ts": "", "lib/x.md": "", "common/x": ""})
	p.write("links/common", "-> ../common")
	p.write("links/itself", "-> .")
	p.Settings["inputs"] = []string{"./src/*.js", "package.json", "lib/**/*.ts", "links"}
	p.mustBuild()
	for _, c := range []struct {
		path string
		runs bool
	}{
		{"src/server.js", true}, {"src/a.css", false}, {"docs/x", false}, {"package.json", true},
		{"lib/deep/er/x.ts", true}, {"lib/x.md", false}, {"lib/new.ts", true}, {"src/new.js", true}, {"common/x", true},
	} {
		before := p.runs()
		p.write(c.path, "changed")
		p.mustBuild()
		if ran := p.runs() > before; ran != c.runs {
			t.Errorf("%s: ran is %v", c.path, ran)
		}
	}
	p.Settings["inputs"] = []string{"scr"}
	if _, err := p.build(); attribute(err) != "inputs" {
		t.Errorf("a folder that is not there: got %v", err)
	}
}

func TestWithoutACommandTheFolderIsTakenAsItIs(t *testing.T) {
	p := newProject(t, map[string]string{"app.py": "", "lib/x.py": "", "twofold.hcl": "", ".twofold/store/x": "", ".git/HEAD": ""})
	p.Settings = schema.Values{"start": []string{"python3", "app.py"}, "runtime": "python3.13"}
	if diff := cmp.Diff([]string{"app.py", "lib/x.py"}, paths(p.mustBuild()[0])); diff != "" {
		t.Error(diff)
	}
	p.write("new.py", "")
	if diff := cmp.Diff([]string{"app.py", "lib/x.py", "new.py"}, paths(p.mustBuild()[0])); diff != "" {
		t.Error(diff)
	}
}

func TestOutputInTheFolderOfTheSources(t *testing.T) {
	p := newProject(t, map[string]string{"app.py": "", "requirements.txt": ""})
	p.Settings["output"] = "."
	p.Settings["start"] = []string{"python3", "app.py"}
	p.Settings["run"] = []string{"sh", "-c", `echo run >> "$RUNS"; mkdir -p vendor; cp requirements.txt vendor/`}
	if _, err := p.build(); attribute(err) != "output" {
		t.Fatalf("without inputs: got %v", err)
	}
	p.Settings["inputs"] = []string{"requirements.txt"}
	for _, s := range []struct {
		name string
		do   func()
		runs bool
	}{
		{"the first build", func() {}, true},
		{"nothing", func() {}, false},
		{"an input", func() { p.write("requirements.txt", "x") }, true},
		{"a source that is no input", func() { p.write("app.py", "x") }, false},
		{"a new source that is no input", func() { p.write("new.py", "x") }, false},
		{"what the command made is gone", func() { p.must(os.RemoveAll(p.path("vendor"))) }, true},
	} {
		before := p.runs()
		s.do()
		p.mustBuild()
		if ran := p.runs() > before; ran != s.runs {
			t.Errorf("%s: ran is %v", s.name, ran)
		}
	}
	if diff := cmp.Diff([]string{"app.py", "new.py", "requirements.txt", "vendor/requirements.txt"}, paths(p.mustBuild()[0])); diff != "" {
		t.Error(diff)
	}
}

func TestOneRunForEachPlatform(t *testing.T) {
	p := newProject(t, map[string]string{"src/x": ""})
	p.Platforms = []build.Platform{amd64, arm64}
	p.Settings["output"] = "dist/{os}-{arch}"
	p.Settings["start"] = []string{"./app"}
	p.Settings["run"] = []string{"sh", "-c", `echo run >> "$RUNS"; d=dist/$TWOFOLD_OS-$TWOFOLD_ARCH; mkdir -p $d; echo $TWOFOLD_ARCH > $d/app; chmod +x $d/app`}
	trees := p.mustBuild()
	for i, arch := range []string{"amd64", "arm64"} {
		got, err := os.ReadFile(trees[i].Files[0].Source)
		if err != nil || string(got) != arch+"\n" || !trees[i].Files[0].Executable {
			t.Errorf("%s: got %q, %v", arch, got, err)
		}
	}
	p.mustBuild()
	if p.runs() != 2 {
		t.Errorf("ran %d times in two builds for two platforms", p.runs())
	}
}

func TestOutputMayBeOneFile(t *testing.T) {
	p := newProject(t, map[string]string{"src/server": ""})
	p.must(os.Chmod(p.path("src/server"), 0o755))
	p.Settings["output"] = "dist/server"
	p.Settings["start"] = []string{"./server"}
	if diff := cmp.Diff([]string{"server x"}, paths(p.mustBuild()[0])); diff != "" {
		t.Error(diff)
	}
	p.mustBuild()
	if p.runs() != 1 {
		t.Errorf("ran %d times", p.runs())
	}
}

func TestFailingCommand(t *testing.T) {
	p := newProject(t, map[string]string{"src/server.js": "1"})
	p.mustBuild()
	run := p.Settings["run"]
	p.Settings["run"] = []string{"sh", "-c", "rm -rf dist; mkdir dist; echo why; exit 7"}
	_, err := p.build()
	var e *build.ToolError
	if !errors.As(err, &e) || e.Output != "why\n" || p.log.String() != "why\n" || !strings.Contains(e.Error(), "exit status 7") {
		t.Errorf("got %v, log %q", err, p.log.String())
	}
	// What the failed run left is not taken for the output of the one before.
	p.Settings["run"] = run
	if diff := cmp.Diff([]string{"server.js"}, paths(p.mustBuild()[0])); diff != "" {
		t.Error(diff)
	}
}

// Where the output is edited by people, only the record tells a failed run from one
// that went well.
func TestFailedRunInTheFolderOfTheSourcesIsRunAgain(t *testing.T) {
	p := newProject(t, map[string]string{"app.py": "", "requirements.txt": "x"})
	p.Settings["output"] = "."
	p.Settings["inputs"] = []string{"requirements.txt"}
	good := []string{"sh", "-c", `echo run >> "$RUNS"; cp requirements.txt installed`}
	p.Settings["run"] = good
	p.mustBuild()
	p.Settings["run"] = []string{"sh", "-c", "echo broken > installed; exit 1"}
	if _, err := p.build(); err == nil {
		t.Fatal("no error")
	}
	p.Settings["run"] = good
	p.mustBuild()
	if got, err := os.ReadFile(p.path("installed")); err != nil || string(got) != "x" {
		t.Errorf("the output has %q, %v", got, err)
	}
}

func TestCancelledCommandRunsAgain(t *testing.T) {
	p := newProject(t, map[string]string{"src/server.js": "1"})
	p.mustBuild()
	fifo := filepath.Join(t.TempDir(), "ready")
	p.must(mkfifo(fifo))
	run := p.Settings["run"]
	p.Settings["run"] = []string{"sh", "-c", "rm -rf dist; mkdir dist; echo half > dist/half; echo > " + fifo + "; sleep 600"}
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		os.ReadFile(fifo) // returns when the command has written
		cancel()
	}()
	if _, err := (Builder{}).Build(ctx, p.Request); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	p.Settings["run"] = run
	if diff := cmp.Diff([]string{"server.js"}, paths(p.mustBuild()[0])); diff != "" {
		t.Error(diff)
	}
}

func attribute(err error) string {
	var e *schema.Error
	if errors.As(err, &e) {
		return e.Attribute
	}
	return fmt.Sprintf("no schema.Error: %v", err)
}

func TestWrongSettings(t *testing.T) {
	for _, c := range []struct {
		name string
		set  schema.Values
		at   string
		want string
	}{
		{"no start", schema.Values{"start": []string{}}, "start", "no start command"},
		{"a start command in one word", schema.Values{"start": []string{"node server.js"}}, "start", "one word"},
		{"a start file that is not there", schema.Values{"start": []string{"./sever"}}, "start", `no file "sever"`},
		{"a start file that cannot be executed", schema.Values{"start": []string{"./server.js"}}, "start", "chmod +x"},
		{"an empty run", schema.Values{"run": []string{}}, "run", "empty"},
		{"no such dir", schema.Values{"dir": "nowhere"}, "dir", "nowhere"},
		{"an output outside", schema.Values{"output": "../dist"}, "output", "outside"},
		{"an absolute output", schema.Values{"output": "/dist"}, "output", "outside"},
		{"an output that the command does not make", schema.Values{"output": "build"}, "output", "left nothing"},
		{"an empty output", schema.Values{"run": []string{"mkdir", "-p", "dist"}}, "output", "empty"},
		{"an unknown runtime", schema.Values{"runtime": "node24"}, "runtime", "nodejs24.x"},
		{"a bad pattern", schema.Values{"exclude": []string{"[a"}}, "exclude", "bracket"},
		{"a bad input", schema.Values{"inputs": []string{"src/[a"}}, "inputs", "bracket"},
		{"an empty input", schema.Values{"inputs": []string{""}}, "inputs", "empty"},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := newProject(t, map[string]string{"src/server.js": ""})
			for name, value := range c.set {
				p.Settings[name] = value
			}
			_, err := p.build()
			if attribute(err) != c.at || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %q at %s", err, c.want, c.at)
			}
		})
	}
}

func TestOutputThatCannotBePacked(t *testing.T) {
	for link, want := range map[string]string{"loop": "back to itself", "../../etc": "leaves the tree", "/etc/passwd": "absolute path"} {
		p := newProject(t, map[string]string{"src/server.js": "", "src/loop": "-> " + link})
		_, err := p.build()
		if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), `output "dist"`) || !strings.Contains(err.Error(), `"loop"`) {
			t.Errorf("%s: got %v", link, err)
		}
	}
}

func TestMissingToolIsNamed(t *testing.T) {
	p := newProject(t, map[string]string{"src/server.js": ""})
	p.Settings["run"] = []string{"no-such-tool", "build"}
	_, err := p.build()
	var e *build.ToolError
	if !errors.As(err, &e) || !strings.Contains(e.Hint, "install no-such-tool") {
		t.Errorf("got %v", err)
	}
}

func FuzzParseRecord(f *testing.F) {
	f.Add([]byte(`{"version":1,"settings":"a","inputs":"b","output":"c"}`))
	f.Add([]byte(`{"version":1,"settings":"a","inputs":"b","files":["a","b"]}`))
	f.Add([]byte(`{"version":1,"settings":"a","inputs":"b","files":["b","a"]}`))
	f.Add([]byte(`[]`))
	f.Fuzz(func(t *testing.T, data []byte) {
		r, ok := parseRecord(data)
		if !ok {
			return
		}
		if r.Settings == "" || r.Inputs == "" || (r.Output == "" && len(r.Files) == 0) {
			t.Errorf("accepted a record that proves nothing: %s", data)
		}
		if holdsAll(nil, r.Files) && r.Output == "" {
			t.Errorf("an empty output is taken for whole: %s", data)
		}
	})
}

func BenchmarkUnchangedTreeOf4000Files(b *testing.B) {
	dir := b.TempDir()
	for d := range 400 {
		folder := filepath.Join(dir, fmt.Sprintf("src/node_modules/package-%d/lib", d))
		if err := os.MkdirAll(folder, 0o755); err != nil {
			b.Fatal(err)
		}
		for i := range 10 {
			if err := os.WriteFile(filepath.Join(folder, fmt.Sprintf("file-%d.js", i)), nil, 0o644); err != nil {
				b.Fatal(err)
			}
		}
	}
	req := build.Request{Dir: dir, WorkDir: filepath.Join(dir, ".twofold"), Platforms: []build.Platform{amd64},
		Settings: schema.Values{"run": []string{"cp", "-R", "src", "dist"}, "output": "dist", "start": []string{"node"}}}
	if _, err := (Builder{}).Build(b.Context(), req); err != nil {
		b.Fatal(err)
	}
	req.Settings["run"] = []string{"cp", "-R", "src", "dist"}
	for b.Loop() {
		if _, err := (Builder{}).Build(b.Context(), req); err != nil {
			b.Fatal(err)
		}
	}
	if _, err := os.Stat(filepath.Join(dir, "dist/src")); err == nil {
		b.Fatal("the command ran again")
	}
}
