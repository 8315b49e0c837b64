package manifest

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

const small = "project = \"shop\"\nservice \"web\" {\n  build \"go\" {}\n}\n"

func write(t *testing.T, path, content string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
}

// loadText loads a manifest from its text.
func loadText(src string) (*Manifest, *Diagnostics) {
	return load([]byte(src), "/project/twofold.hcl", "twofold.hcl", testOptions())
}

// wantProblem checks that there is one error, with these pieces in its text.
func wantProblem(t *testing.T, m *Manifest, d *Diagnostics, pieces ...string) {
	t.Helper()
	if m != nil || d == nil || d.Len() != 1 {
		t.Fatalf("the manifest is %v, the diagnostics are %v", m, d)
	}
	text := strings.Join(strings.Fields(written(t, d, TextOptions{Width: 100})), " ")
	for _, p := range pieces {
		if !strings.Contains(text, p) {
			t.Errorf("%q is not in:\n%s", p, text)
		}
	}
}

func TestLoadFindsTheManifestInAFolderAbove(t *testing.T) {
	root := t.TempDir()
	write(t, filepath.Join(root, "twofold.hcl"), small)
	deep := filepath.Join(root, "cmd", "api")
	if err := os.MkdirAll(deep, 0o755); err != nil {
		t.Fatal(err)
	}
	t.Chdir(deep)
	m, d := Load(Options{Builders: testBuilders()})
	if d.HasErrors() {
		t.Fatal(d)
	}
	working, _ := os.Getwd()
	want := filepath.Join(filepath.Dir(filepath.Dir(working)), "twofold.hcl")
	if m.File != want || m.Dir != filepath.Dir(want) {
		t.Errorf("File is %s, Dir is %s, want %s", m.File, m.Dir, want)
	}
	if at := m.At("web", "build", "x", "y"); at.All()[0].File != filepath.Join("..", "..", "twofold.hcl") {
		t.Errorf("it is shown as %s", at.All()[0].File)
	}
}

func TestLoadTakesAFolderOrAFile(t *testing.T) {
	root := t.TempDir()
	write(t, filepath.Join(root, "a", "twofold.hcl"), small)
	write(t, filepath.Join(root, "b", "twofold.hcl.json"), `{"project":"shop","service":{"web":{"build":{"go":{}}}}}`)
	write(t, filepath.Join(root, "other.hcl"), small)
	for path, want := range map[string]string{
		"a": "a/twofold.hcl", "b": "b/twofold.hcl.json", "other.hcl": "other.hcl", "a/twofold.hcl": "a/twofold.hcl",
	} {
		m, d := Load(Options{Path: filepath.Join(root, path), Builders: testBuilders()})
		if d.HasErrors() {
			t.Errorf("%s: %v", path, d)
		} else if m.File != filepath.Join(root, want) {
			t.Errorf("%s: loaded %s", path, m.File)
		}
	}
}

func TestLoadSaysWhatIsWrongWithTheFile(t *testing.T) {
	root := t.TempDir()
	in := func(name string) string { return filepath.Join(root, name) }
	write(t, in("both/twofold.hcl"), small)
	write(t, in("both/twofold.hcl.json"), "{}")
	write(t, in("yaml/twofold.yaml"), "project: shop")
	write(t, in("binary.hcl"), "project = \"\x00\"")
	write(t, in("latin1.hcl"), "# caf\xe9\nproject = 1")
	write(t, in("utf16.hcl"), "\xff\xfep\x00r\x00")
	write(t, in("array.hcl.json"), `["shop"]`)
	write(t, in("text.hcl.json"), small)
	write(t, in("nothing.hcl.json"), "")
	big, err := os.Create(in("big.hcl"))
	if err != nil {
		t.Fatal(err)
	}
	if err := big.Truncate(100 << 20); err != nil {
		t.Fatal(err)
	}
	big.Close()
	tests := []struct {
		path   string
		pieces []string
	}{
		{"nowhere.hcl", []string{"cannot be read", "does not exist", "--manifest FILE", `build "go"`}},
		{"nowhere/deep", []string{"does not exist"}},
		{"", []string{"No manifest in", "twofold.hcl", `build "go"`}},
		{"yaml", []string{"There is a file twofold.yaml; a manifest has to be named twofold.hcl."}},
		{"both", []string{"Two manifests in one folder", "Remove one"}},
		{"binary.hcl", []string{"holds a zero byte", "binary.hcl:1:12"}},
		{"latin1.hcl", []string{"not UTF-8", "latin1.hcl:1:6", "Save it again"}},
		{"utf16.hcl", []string{"utf16.hcl:1"}},
		{"big.hcl", []string{"too big", "4 MiB"}},
		{"array.hcl.json", []string{"not a JSON object"}},
		{"text.hcl.json", []string{"text.hcl.json:1:1"}},
		{"nothing.hcl.json", []string{"The file ends too early"}},
	}
	for _, test := range tests {
		t.Run(test.path, func(t *testing.T) {
			m, d := Load(Options{Path: in(test.path)})
			wantProblem(t, m, d, test.pieces...)
		})
	}
}

func TestLoadDoesNotWaitForADevice(t *testing.T) {
	m, d := Load(Options{Path: "/dev/zero"})
	wantProblem(t, m, d, "The manifest is not a file", "is a device")
}

func TestLoadWithoutAManifestAnywhere(t *testing.T) {
	t.Chdir(t.TempDir())
	m, d := Load(Options{})
	wantProblem(t, m, d, "No manifest found", "Create twofold.hcl", `service "web"`)
}

func TestServiceSuggestsANearName(t *testing.T) {
	m, d := loadText(`
project = "shop"
service "api" {
  build "go" {}
}
service "worker" {
  build "go" {}
}`)
	if d.HasErrors() {
		t.Fatal(d)
	}
	if s, err := m.Service("worker"); err != nil || s.Name != "worker" {
		t.Error(s, err)
	}
	_, err := m.Service("wroker")
	if err == nil || err.Error() != `no service "wroker" in twofold.hcl: did you mean "worker"? the services are api, worker` {
		t.Error(err)
	}
	_, err = m.Service("zzz")
	if err == nil || err.Error() != `no service "zzz" in twofold.hcl: the services are api, worker` {
		t.Error(err)
	}
}

func TestAtPointsToTheLineOrToWhatIsAroundIt(t *testing.T) {
	m, d := loadText(`project = "shop"
service "api" {
  build "go" {
    package = "./cmd/api"
  }
  env = {
    LEVEL = "info"
  }
  scale {
    min = 1
  }
}`)
	if d.HasErrors() {
		t.Fatal(d)
	}
	for path, line := range map[string]int{
		"": 2, "port": 2, "build": 3, "build.package": 4, "build.tags": 3, "env": 6, "env.LEVEL": 7, "env.OTHER": 6,
		"scale": 9, "scale.min": 10, "scale.max": 9, "health.path": 2, "no.such.path": 2,
	} {
		at := m.At("api", path, "No such package", "Create it.")
		diag := at.All()[0]
		if diag.Range == nil || diag.Range.Start.Line != line || diag.In != `service "api"` {
			t.Errorf("%q points to %+v", path, diag)
		}
		if at.Err() == nil || !strings.Contains(written(t, at, TextOptions{}), "Create it.") {
			t.Errorf("%q is no error, or without its detail", path)
		}
	}
	if diag := m.At("nobody", "port", "x", "y").All()[0]; diag.Range != nil || diag.File != "twofold.hcl" {
		t.Errorf("an unknown service points to %+v", diag)
	}
}

func TestProblemsBehindAByteOrderMarkAreWhereTheyAre(t *testing.T) {
	_, d := loadText("\uFEFFproject = \"Shop\"\nservice \"web\" {\n  build \"go\" {}\n  prot = 1\n}\n")
	text := written(t, d, TextOptions{})
	for _, want := range []string{"    |           ^^^^^^\n", "  4 |   prot = 1\n    |   ^^^^\n"} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is not in:\n%s", want, text)
		}
	}
}

func TestServicesShareNothing(t *testing.T) {
	m, d := loadText(small + "service \"b\" {\n  build \"go\" {}\n}\n")
	if d.HasErrors() {
		t.Fatal(d)
	}
	m.Services[0].Env["A"] = "1"
	if len(m.Services[1].Env) != 0 {
		t.Error("two services share their environment")
	}
}

// TestHostileTextEndsWithAnError gives the parsers what makes naive ones
// overflow their stack, loop or take all memory.
func TestHostileTextEndsWithAnError(t *testing.T) {
	n := 50_000
	deep := func(open, inner, shut string) string {
		return "project = " + strings.Repeat(open, n) + inner + strings.Repeat(shut, n) + "\n"
	}
	var laughs, chain strings.Builder
	laughs.WriteString("locals {\n  a0 = \"ha\"\n")
	for i := 1; i < 60; i++ {
		fmt.Fprintf(&laughs, "  a%d = \"${local.a%d}${local.a%d}\"\n", i, i-1, i-1)
	}
	laughs.WriteString("}\n")
	chain.WriteString("locals {\n  a0 = local.a20000\n")
	for i := 1; i <= 20_000; i++ {
		fmt.Fprintf(&chain, "  a%d = local.a%d\n", i, i-1)
	}
	chain.WriteString("}\n")
	tests := map[string]string{
		"brackets":           deep("[", "", "]"),
		"unclosed brackets":  deep("[", "", ""),
		"braces":             deep("{a=", "1", "}"),
		"parentheses":        deep("(", "1", ")"),
		"templates":          deep(`"${`, "1", `}"`),
		"calls":              deep("upper(", "1", ")"),
		"minus signs":        deep("-", "1", ""),
		"exclamation marks":  deep("!", "true", ""),
		"sums":               deep("1+", "1", ""),
		"sums in a bracket":  "project = (" + strings.Repeat("1+\n", n) + "1)\n",
		"conditions":         deep("true?1:", "1", ""),
		"indexes":            "project = a" + strings.Repeat("[0]", n) + "\n",
		"splats":             "project = a" + strings.Repeat("[*]", n) + "\n",
		"attributes":         "project = f()" + strings.Repeat(".a", n) + "\n",
		"directives":         "project = \"" + strings.Repeat("%{if true}", n) + "\"\n",
		"for":                deep("[for x in ", "1", ":1]"),
		"blocks":             strings.Repeat("a {\n", n),
		"heredocs":           strings.Repeat("a = <<A\n${", n),
		"objects on lines":   strings.Repeat("a = {\n", n),
		"a long number":      "project = " + strings.Repeat("1", n) + "\n",
		"a big exponent":     "project = 1e999999999\n",
		"a small exponent":   "project = 1e-999999999\n",
		"laughs":             laughs.String(),
		"a circle of locals": chain.String(),
		"nested for":         "locals {\n a = [for a in range(1000): [for b in range(1000): [for c in range(1000): [for d in range(1000): d]]]]\n}\n",
		"nested empty for":   "locals {\n a = [for a in range(1000): a if length([for b in range(1000): b if length([for c in range(1000): c if false]) > 0]) > 0]\n}\n",
		"squares":            "locals {\n a = 1e4000\n b = local.a * local.a\n}\n",
		"many attributes":    strings.Repeat("a = 1\n", 20_000),
	}
	for name, src := range tests {
		t.Run(name, func(t *testing.T) {
			start := time.Now()
			m, d := loadText(src)
			if m != nil || !d.HasErrors() {
				t.Fatal("it loads")
			}
			for _, diag := range d.All() {
				if diag.Summary == internalError {
					t.Error(diag.Detail)
				}
			}
			written(t, d, TextOptions{})
			inBounds(t, start)
		})
	}
	jsonTests := map[string]string{
		"arrays":    strings.Repeat("[", n),
		"objects":   strings.Repeat(`{"a":`, n),
		"templates": `{"project":"` + strings.Repeat("${[", n) + `"}`,
		"escaped":   `{"project":"` + strings.Repeat(`\u0024{[`, n) + `"}`,
		"numbers":   `{"project":` + strings.Repeat("1", n) + `}`,
		"exponent":  `{"project":1e999999999}`,
		"strings":   strings.Repeat(`"`, n+1),
	}
	for name, src := range jsonTests {
		t.Run("JSON "+name, func(t *testing.T) {
			m, d := load([]byte(src), "twofold.hcl.json", "twofold.hcl.json", Options{})
			if m != nil || !d.HasErrors() {
				t.Fatal("it loads")
			}
		})
	}
}

func TestAChainOfLocalsIsEvaluatedInOrder(t *testing.T) {
	var src strings.Builder
	src.WriteString(strings.Replace(small, "build", "env = { A = local.a3000 }\n  build", 1) + "locals {\n  a0 = \"x\"\n")
	for i := 3000; i > 0; i-- {
		fmt.Fprintf(&src, "  a%d = local.a%d\n", i, i-1)
	}
	src.WriteString("}\n")
	m, d := loadText(src.String())
	if d.HasErrors() {
		t.Fatal(d)
	}
	if m.Services[0].Env["A"] != "x" {
		t.Error(m.Services[0].Env)
	}
}
