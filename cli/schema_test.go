package cli

import (
	"bytes"
	"encoding/json"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/twofoldhq/twofold/build/builders"
	"github.com/twofoldhq/twofold/manifest"
	"github.com/twofoldhq/twofold/manifest/reference"
	"github.com/twofoldhq/twofold/manifest/schema"
)

// printed runs a command that has to succeed, and returns its output.
func printed(t *testing.T, args ...string) string {
	t.Helper()
	var out, problems bytes.Buffer
	if code := Main(append([]string{"twofold"}, args...), Streams{In: strings.NewReader(""), Out: &out, Err: &problems}); code != 0 {
		t.Fatalf("%v: exit code %d: %s", args, code, problems.String())
	}
	return out.String()
}

func TestTheReferenceIsCurrent(t *testing.T) {
	const path = "../docs/manifest.md"
	have, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(have), printed(t, "schema", "--markdown")); diff != "" {
		t.Errorf("%s is out of date; run: make docs\n%s", path, diff)
	}
}

// Each block of the language has a section, so that a new one is not forgotten.
func TestTheReferenceNamesEveryBlock(t *testing.T) {
	page := printed(t, "schema", "--markdown")
	var look func(b schema.BlockDoc)
	look = func(b schema.BlockDoc) {
		if !strings.Contains(page, "\n"+b.Doc) && !strings.Contains(page, b.Name+" "+`"`+b.Variant+`"`) {
			t.Errorf("the reference does not describe %s %s", b.Name, b.Variant)
		}
		for _, a := range b.Attributes {
			if !strings.Contains(page, "| `"+a.Name+"` |") && b.Name != "build" {
				t.Errorf("the reference does not describe %s.%s", b.Name, a.Name)
			}
		}
		for _, inner := range append(b.Blocks, b.Variants...) {
			if !inner.Overrides {
				look(inner)
			}
		}
	}
	look(manifest.Describe(builders.Schemas(), targetSchemas()).Manifest)
}

func TestSchemaPrintsTheLanguageAsData(t *testing.T) {
	var l schema.Language
	d := json.NewDecoder(strings.NewReader(printed(t, "schema")))
	d.DisallowUnknownFields()
	if err := d.Decode(&l); err != nil {
		t.Fatal(err)
	}
	want := manifest.Describe(builders.Schemas(), targetSchemas())
	again, _ := json.Marshal(l)
	once, _ := json.Marshal(want)
	if !bytes.Equal(again, once) {
		t.Error("what is printed is not what is described")
	}
	if len(l.Functions) < 80 || len(l.Manifest.Blocks) < 5 || len(l.Types) == 0 || len(l.References) == 0 || len(l.Limits) == 0 {
		t.Errorf("something is missing: %d functions, %d blocks", len(l.Functions), len(l.Manifest.Blocks))
	}
}

// What the reference shows is what works, in every environment.
func TestTheManifestsOfTheReferenceLoad(t *testing.T) {
	override := reference.Example + reference.Override + reference.ForEach
	// The override of the page stands for the environment of the example.
	override = strings.Replace(override, `environment "prod" {`, `environment "other" {`, 1)
	override = strings.Replace(override, `schedule "nightly" {`, `hook "seed" {
    when = "after"
    run  = ["./server", "seed"]
  }

  schedule "nightly" {`, 1)
	for name, text := range map[string]string{"twofold.hcl": reference.Example, "override/twofold.hcl": override, "json/twofold.hcl.json": reference.JSON} {
		dir := t.TempDir()
		file := dir + "/twofold.hcl"
		if strings.HasSuffix(name, ".json") {
			file += ".json"
		}
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		_, diagnostics := manifest.LoadAll(manifest.Options{
			Path: file, Builders: builders.Schemas(), Plugins: targetSchemas(),
			Git: func(string) (manifest.Git, error) { return manifest.Git{Commit: strings.Repeat("a", 40)}, nil },
		})
		if diagnostics.Len() > 0 {
			var b bytes.Buffer
			diagnostics.WriteText(&b, manifest.TextOptions{})
			t.Errorf("%s:\n%s", name, b.String())
		}
	}
	for name, text := range map[string]string{"example.hcl": reference.Example, "foreach.hcl": reference.ForEach, "override.hcl": reference.Override} {
		if diff := cmp.Diff(text, string(manifest.Format([]byte(text)))); diff != "" {
			t.Errorf("%s is not in its canonical form:\n%s", name, diff)
		}
	}
}
