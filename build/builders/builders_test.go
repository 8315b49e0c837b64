package builders

import (
	"context"
	"flag"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/twofoldhq/twofold/build"
	"github.com/twofoldhq/twofold/manifest/schema"
)

var update = flag.Bool("update", false, "write docs/builders.md anew")

func TestAllIsSortedAndFound(t *testing.T) {
	var names []string
	for _, b := range All() {
		names = append(names, b.Info().Name)
		found, ok := Find(b.Info().Name)
		if !ok || found.Info().Name != b.Info().Name {
			t.Errorf("%s is not found", b.Info().Name)
		}
	}
	if diff := cmp.Diff([]string{"command", "go", "static"}, names); diff != "" {
		t.Error(diff)
	}
	if _, ok := Find("cobol"); ok {
		t.Error("found a builder that there is none of")
	}
}

// Whoever adds a builder is told here what its schema lacks.
func TestSchemasAreComplete(t *testing.T) {
	for i, block := range Schemas() {
		if name := All()[i].Info().Name; block.Label != name {
			t.Errorf("builder %q has the label %q", name, block.Label)
		}
		if !strings.HasSuffix(block.Doc, ".") {
			t.Errorf("%s: the doc is no sentence: %q", block.Label, block.Doc)
		}
		for _, a := range block.Attributes {
			if !strings.HasSuffix(a.Doc, ".") || a.Example == "" || a.Type == "" || (a.Required == (a.Default != "")) {
				t.Errorf("%s.%s needs a doc, an example, a type, and a default or Required: %+v", block.Label, a.Name, a)
			}
			if slices.Contains([]string{"base", "platforms"}, a.Name) {
				t.Errorf("%s.%s: all builders have it in common", block.Label, a.Name)
			}
		}
		if names := block.Names(); len(slices.Compact(names)) != len(block.Attributes) {
			t.Errorf("%s has an attribute twice: %v", block.Label, block.Names())
		}
	}
}

type named string

func (n named) Info() build.Info {
	return build.Info{Name: string(n), Schema: schema.Block{Label: string(n)}}
}

func (named) Build(context.Context, build.Request) ([]*build.Tree, error) { return nil, nil }

func TestDuplicatePanics(t *testing.T) {
	defer func() {
		if r := recover(); r == nil || !strings.Contains(r.(string), `"b"`) {
			t.Errorf("got %v", r)
		}
	}()
	list(named("b"), named("a"), named("b"))
}

const (
	begin = "<!-- The tables are written by: go test ./build/builders -update -->\n"
	end   = "<!-- end of the tables -->\n"
)

func TestDocsListEveryAttribute(t *testing.T) {
	const path = "../../docs/builders.md"
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, ok := strings.Cut(string(data), begin)
	have, after, ok2 := strings.Cut(rest, end)
	if !ok || !ok2 {
		t.Fatalf("%s lacks the marks around the tables", path)
	}
	want := "\n" + tables(Schemas()) + "\n"
	if *update {
		if err := os.WriteFile(path, []byte(before+begin+want+end+after), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := cmp.Diff(want, have); diff != "" {
		t.Errorf("%s is out of date; run go test ./build/builders -update\n%s", path, diff)
	}
}

// tables writes the reference of the build blocks.
func tables(blocks []schema.Block) string {
	var b strings.Builder
	for i, block := range blocks {
		if i > 0 {
			b.WriteString("\n")
		}
		b.WriteString("### build \"" + block.Label + "\"\n\n" + block.Doc + "\n\n")
		b.WriteString("| attribute | type | default | what it is | example |\n| --- | --- | --- | --- | --- |\n")
		for _, a := range block.Attributes {
			byDefault := a.Default
			if a.Required {
				byDefault = "required"
			}
			b.WriteString("| `" + a.Name + "` | " + string(a.Type) + " | " + byDefault + " | " + a.Doc + " | `" + a.Example + "` |\n")
		}
	}
	return b.String()
}
