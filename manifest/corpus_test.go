package manifest

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"sort"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
	"github.com/twofoldhq/twofold/manifest/schema"
)

var update = flag.Bool("update", false, "write the golden files")

// testBuilders are like the real ones, with an attribute of each type.
func testBuilders() []schema.Block {
	return []schema.Block{
		{Label: "go", Doc: "A Go package.", Attributes: []schema.Attribute{
			{Name: "package", Type: schema.String, Doc: "The package.", Example: `"./cmd/api"`},
			{Name: "tags", Type: schema.Strings, Doc: "Build tags.", Example: `["netgo"]`},
			{Name: "cgo", Type: schema.Bool, Doc: "Whether C code is compiled."},
			{Name: "env", Type: schema.StringMap, Doc: "The environment of the compiler."},
			{Name: "main", Type: schema.String, Deprecated: "package"},
		}},
		{Label: "command", Doc: "Any command.", Attributes: []schema.Attribute{
			{Name: "run", Type: schema.Strings, Required: true, Doc: "The command that builds.", Example: `["make", "dist"]`},
			{Name: "jobs", Type: schema.Int, Doc: "How many run at a time.", Example: "2"},
			{Name: "start", Type: schema.String, Required: true, Doc: "The command that starts the app.", Example: `"./server"`},
		}},
		{Label: "static", Doc: "A binary that is there.", Attributes: []schema.Attribute{
			{Name: "binary", Type: schema.String, Required: true, Doc: "The file.", Example: `"./server"`},
		}},
	}
}

// testEnv is the environment that the corpus sees.
func testEnv(name string) (string, bool) {
	v, ok := map[string]string{"LEVEL": "debug", "EMPTY": "", "REPLICAS": "3", "LATIN1": "\xe9"}[name]
	return v, ok
}

// load loads a text under a name, as if it were the only file of its folder.
func load(src []byte, file, shown string, o Options) (*Manifest, *Diagnostics) {
	return oneFile(src, file, shown).load(o)
}

func oneFile(src []byte, file, shown string) *text {
	return &text{path: file, dir: filepath.Dir(file), files: []source{{shown, src}}}
}

// testOptions are what the corpus is loaded with.
func testOptions() Options {
	return Options{Builders: testBuilders(), Plugins: testPlugins(), Env: testEnv, Git: testGit, files: testFiles}
}

// testPlugins are like the real ones.
func testPlugins() []schema.Block {
	return []schema.Block{
		{Label: "lambda", Doc: "AWS Lambda.", Attributes: []schema.Attribute{
			{Name: "region", Type: schema.String, Doc: "The region.", Example: `"eu-west-1"`},
			{Name: "architecture", Type: schema.String, Choices: []string{"x86_64", "arm64"}, Doc: "The architecture.", Example: `"arm64"`},
		}},
		{Label: "kubernetes", Doc: "A cluster.", Attributes: []schema.Attribute{
			{Name: "namespace", Type: schema.String, Doc: "The namespace.", Example: `"shop"`},
			{Name: "context", Type: schema.String, Required: true, Doc: "The context.", Example: `"shop-prod"`},
		}},
		{Label: "docker", Doc: "A Docker Engine.", Attributes: []schema.Attribute{
			{Name: "host", Type: schema.String, Doc: "The engine.", Example: `"ssh://host"`},
			{Name: "certificates", Type: schema.File, Doc: "The folder of certificates.", Example: `"certificates"`},
		}},
	}
}

func testGit(string) (Git, error) {
	return Git{Commit: "0123456789abcdef0123456789abcdef01234567", Branch: "main"}, nil
}

var testFiles = fstest.MapFS{
	"motd.txt":        {Data: []byte("welcome\n")},
	"binary.bin":      {Data: []byte{0xff, 0xfe}},
	"config.tpl":      {Data: []byte("level=${level}\n%{ for p in ports }port=${p}\n%{ endfor }")},
	"broken.tpl":      {Data: []byte("level=${level\n")},
	"loop.tpl":        {Data: []byte("%{ for a in range(1000) }%{ for b in range(1000) }%{ for c in range(1000) }x%{ endfor }%{ endfor }%{ endfor }")},
	"deploy/note.txt": {Data: []byte("a note")},
}

// A file marks its problems on the line where they are reported:
//
//	prot = 8080 # ERROR: Unknown attribute "prot" -> Did you mean "port"?
//
// What follows the arrow is a part of the detail. "ERROR NEXT" speaks of the
// next line, for lines that cannot hold a comment, "ERROR FILE" of a problem
// without a line. WARNING works like ERROR. A line has several marks one after
// the other. In JSON a mark is the value of a member "//".
//
// A folder is a case of several files. The line "# OPTIONS: ..." says what else the
// case is loaded with, as on the command line: --env NAME, --var NAME=VALUE,
// --var-file FILE, TWOFOLD_VAR_NAME=VALUE; "all" is for all environments, and
// "no-git" for a folder that is in no repository.
var mark = regexp.MustCompile(`^(ERROR|WARNING)( NEXT| FILE)?: (.*?)(?: -> (.*))?$`)

// lineMarks are the marks behind a line of the native syntax.
var lineMarks = regexp.MustCompile(`(?m)\s+# (ERROR|WARNING): .*$`)

var optionsLine = regexp.MustCompile(`(?m)^# OPTIONS: (.*)$`)

// expectations are the marked problems of a file: "FILE:LINE error: SUMMARY -> HELP".
func expectations(t *testing.T, file string, src []byte) (want []string) {
	for i, line := range strings.Split(string(src), "\n") {
		comments := strings.Split(line, "# ")[1:]
		if text, ok := strings.CutPrefix(strings.TrimSpace(line), `"//": `); ok {
			var comment string
			if err := json.Unmarshal([]byte(strings.TrimSuffix(text, ",")), &comment); err != nil {
				t.Fatal(err)
			}
			comments = strings.Split(comment, "# ")
		}
		for _, comment := range comments {
			m := mark.FindStringSubmatch(strings.TrimSpace(comment))
			if m == nil {
				continue
			}
			number := i + 1
			switch m[2] {
			case " NEXT":
				number++
			case " FILE":
				number = 0
			}
			want = append(want, fmt.Sprintf("%s:%d %s: %s -> %s", file, number, strings.ToLower(m[1]), m[3], m[4]))
		}
	}
	return want
}

// corpusOptions are what a case is loaded with, and whether in all environments.
func corpusOptions(t *testing.T, src []byte) (o Options, all bool) {
	o = testOptions()
	m := optionsLine.FindSubmatch(src)
	if m == nil {
		return o, false
	}
	given := map[string]string{}
	words := strings.Fields(string(m[1]))
	for i := 0; i < len(words); i++ {
		value := ""
		if strings.HasPrefix(words[i], "--") {
			i++
			value = words[i]
			switch words[i-1] {
			case "--env":
				o.Environment = value
			case "--var":
				o.Variables = append(o.Variables, value)
			case "--var-file":
				o.VariableFiles = append(o.VariableFiles, value)
			default:
				t.Fatalf("the option %s", words[i-1])
			}
			continue
		}
		switch name, value, _ := strings.Cut(words[i], "="); {
		case name == "all":
			all = true
		case name == "no-git":
			o.Git = func(dir string) (Git, error) { return Git{}, fmt.Errorf("%s is in no git repository", dir) }
		case strings.HasPrefix(name, variablePrefix):
			given[name] = value
		default:
			t.Fatalf("the option %s", words[i])
		}
	}
	o.Env = func(name string) (string, bool) {
		if value, ok := given[name]; ok {
			return value, true
		}
		return testEnv(name)
	}
	return o, all
}

// corpusCase loads a file or a folder of the corpus without its marks, as a user
// has it, and returns the problems, those that are marked, and whether it loads.
func corpusCase(t *testing.T, path string) (d *Diagnostics, want []string, loads bool) {
	paths, err := filepath.Glob(filepath.Join(path, "*.hcl*"))
	if err != nil {
		t.Fatal(err)
	}
	isFolder := len(paths) > 0
	if !isFolder {
		paths = []string{path}
	}
	s := &text{path: "/project/" + filepath.Base(path), dir: "/project"}
	var options []byte
	for _, path := range paths {
		src, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		name := filepath.Base(path)
		want = append(want, expectations(t, name, src)...)
		if optionsLine.Match(src) {
			options = src
		}
		s.files = append(s.files, source{name, lineMarks.ReplaceAll(src, nil)})
	}
	o, all := corpusOptions(t, options)
	if isFolder {
		dir := t.TempDir()
		for _, f := range s.files {
			write(t, filepath.Join(dir, f.name), string(f.content))
		}
		t.Chdir(dir)
		o.Path = "."
		if s, d = open(o); s == nil {
			return d, want, false
		}
	}
	if all {
		manifests, d := s.loadAll(o)
		return d, want, manifests != nil
	}
	m, d := s.load(o)
	return d, want, m != nil
}

func TestInvalidManifestsReportTheMarkedProblems(t *testing.T) {
	entries, err := os.ReadDir("testdata/invalid")
	if err != nil {
		t.Fatal(err)
	}
	root, err := filepath.Abs("testdata/invalid")
	if err != nil {
		t.Fatal(err)
	}
	cases := 0
	for _, e := range entries {
		if strings.HasSuffix(e.Name(), ".txt") {
			continue
		}
		cases++
		t.Run(e.Name(), func(t *testing.T) {
			path := filepath.Join(root, e.Name())
			diags, want, loads := corpusCase(t, path)
			var got []string
			for _, d := range diags.All() {
				line := 0
				if d.Range != nil {
					line = d.Range.Start.Line
				}
				file := d.File
				if d.Range == nil {
					file = filepath.Base(path)
					if len(want) > 0 {
						file, _, _ = strings.Cut(want[0], ":")
					}
				}
				text := fmt.Sprintf("%s:%d %s: %s -> ", file, line, d.Severity, d.Summary)
				for _, w := range want {
					if help := strings.TrimPrefix(w, text); help != w && strings.Contains(d.Detail, help) {
						text = w
					}
				}
				got = append(got, text)
			}
			sort.Strings(got)
			sort.Strings(want)
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("problems (- marked, + reported):\n%s", diff)
			}
			if diags.HasErrors() == loads {
				t.Errorf("HasErrors is %v and it loads: %v", diags.HasErrors(), loads)
			}
			var text bytes.Buffer
			if err := diags.WriteText(&text, TextOptions{}); err != nil {
				t.Fatal(err)
			}
			if strings.Contains(text.String(), "hunter2") && !strings.HasPrefix(e.Name(), "secrets") {
				t.Errorf("a password is shown:\n%s", text.String())
			}
			golden(t, goldenName(path, ".txt"), text.Bytes())
		})
	}
	if cases < 130 {
		t.Errorf("the corpus has %d cases", cases)
	}
}

func TestValidManifestsHaveTheirValues(t *testing.T) {
	files, err := filepath.Glob("testdata/valid/*.hcl*")
	if err != nil || len(files) == 0 {
		t.Fatalf("the corpus has %d files, %v", len(files), err)
	}
	for _, path := range files {
		t.Run(filepath.Base(path), func(t *testing.T) {
			m, diags := loadValid(t, path)
			if m == nil || diags.Len() != 0 {
				var text bytes.Buffer
				diags.WriteText(&text, TextOptions{})
				t.Fatalf("the manifest has problems:\n%s", text.String())
			}
			out, err := json.MarshalIndent(described(m), "", "  ")
			if err != nil {
				t.Fatal(err)
			}
			golden(t, goldenName(path, ".golden.json"), append(out, '\n'))
		})
	}
}

// loadValid loads a file with the options that it names.
func loadValid(t *testing.T, path string) (*Manifest, *Diagnostics) {
	t.Helper()
	src, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	o, _ := corpusOptions(t, src)
	name := filepath.Base(path)
	return load(src, "/project/"+name, name, o)
}

// goldenName returns the name beside a case. Both syntaxes of a valid manifest
// share one, since they mean the same.
func goldenName(path, extension string) string {
	return strings.TrimSuffix(strings.TrimSuffix(path, ".json"), ".hcl") + extension
}

func golden(t *testing.T, path string, got []byte) {
	t.Helper()
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("%s (run with -update after reading the difference):\n%s", path, diff)
	}
}

// described is a manifest without its place, which differs between the two
// syntaxes.
func described(m *Manifest) any {
	return struct {
		Project  string
		Targets  []*Target
		Services []*Service
	}{m.Project, m.Targets, m.Services}
}
