package reference

import (
	"strings"
	"testing"

	"github.com/twofoldhq/twofold/manifest/schema"
)

func language() schema.Language {
	block := func(name string, inner ...schema.BlockDoc) schema.BlockDoc {
		return schema.BlockDoc{Name: name, Doc: "About " + name + ".", Blocks: inner}
	}
	on := block("on")
	on.Variants = []schema.BlockDoc{{Name: "on", Variant: "queue", Doc: "A queue."}, {Name: "on", Variant: "object", Doc: "An object."}}
	build := block("build")
	build.Once = true
	build.Variants = []schema.BlockDoc{{Name: "build", Variant: "go", Doc: "Go."}}
	target := block("target")
	target.Variants = []schema.BlockDoc{{Name: "target", Variant: "lambda", Doc: "Lambda.", Attributes: []schema.Attribute{
		{Name: "size", Type: "choice", Choices: []string{"s", "m"}, Default: `"s"`, Doc: "How <big> | small.", Example: `"a|b"`},
		{Name: "old", Type: schema.String, Required: true, Doc: "Old.", Deprecated: "size"},
	}}}
	return schema.Language{
		Manifest: block("", block("variable", block("validation")), block("locals"), target, block("environment", schema.BlockDoc{Name: "service", Overrides: true}),
			block("service", build, block("health"), block("scale"), block("deploy"), block("secret"), block("schedule"), on, block("volume"), block("hook"))),
		Types:      []schema.TypeDoc{{Type: "choice", Doc: "One."}},
		References: []schema.Root{{Name: "var.NAME", Doc: "A variable."}},
		Functions: []schema.Function{{Name: "join", Group: "Text", Doc: "Joins.", Example: `join("|", [])`, Result: `""`,
			Parameters: []schema.Parameter{{Name: "separator", Type: "string"}, {Name: "lists", Variadic: true}}}},
		Limits: []schema.LimitDoc{{What: "Services", Limit: 10000}, {What: "A file", Limit: 4 << 20, Unit: "bytes"}},
	}
}

func TestMarkdownHasWhatTheLanguageHas(t *testing.T) {
	page := string(Markdown(language()))
	for _, want := range []string{
		Example, "About hook.", "About build. There is at most one.", "- [`build \"go\"`](builders.md#build-go): Go.",
		"### target \"lambda\"",
		"| `size` | choice | `\"s\"` | How &lt;big> \\| small. The choices: `\"s\"`, `\"m\"`. | `\"a\\|b\"` |",
		"| `old` | string | required | Old. Deprecated: use `size`. |",
		"| `join(separator, lists...)` | Joins. | `join(\"\\|\", [])` is `\"\"` |",
		"| Services | 10,000 |", "| A file | 4 MiB |", "`service` (overrides)",
	} {
		if !strings.Contains(page, want) {
			t.Errorf("%q is not in the page:\n%s", want, page)
		}
	}
	if strings.Contains(page, "{{") || strings.Contains(page, "<no value>") {
		t.Error("something of the template is left")
	}
}

func TestABlockThatPageNamesInVainIsFound(t *testing.T) {
	l := language()
	l.Manifest.Blocks = l.Manifest.Blocks[1:]
	defer func() {
		if r := recover(); r == nil || !strings.Contains(r.(string), "variable") {
			t.Errorf("got %v", r)
		}
	}()
	Markdown(l)
}
