package manifest

import (
	"fmt"
	"strings"
	"testing"

	"github.com/twofoldhq/twofold/manifest/schema"
)

// kinds returns all block types of the language.
func kinds() []*blockType {
	all := []*blockType{&language}
	for i := 0; i < len(all); i++ {
		all = append(all, all[i].blocks...)
		all = append(all, all[i].variants...)
	}
	return all
}

func TestEveryForeignNameLeadsToAName(t *testing.T) {
	for _, kind := range kinds() {
		for foreign, name := range kind.foreign {
			_, isAttribute := kind.attribute(name)
			if !isAttribute && kind.block(name) == nil {
				t.Errorf("%s: %q leads to %q, which is nothing", kind.name, foreign, name)
			}
			if _, taken := kind.attribute(foreign); taken || kind.block(foreign) != nil {
				t.Errorf("%s: %q is a name of its own", kind.name, foreign)
			}
		}
	}
	functions := newLoader(&text{}, testOptions()).inputFunctions
	for foreign, name := range foreignFunctions {
		if _, ok := functions[name]; !ok {
			t.Errorf("the function %q leads to %q, which is none", foreign, name)
		}
		if _, ok := functions[foreign]; ok {
			t.Errorf("the function %q exists", foreign)
		}
	}
}

func TestTheLanguageIsDocumentedWithExamplesThatLoad(t *testing.T) {
	for _, kind := range kinds() {
		if kind.doc == "" || !strings.HasSuffix(kind.doc, ".") {
			t.Errorf("%s has the doc %q", kind.name, kind.doc)
		}
		for _, a := range kind.attrs {
			if a.Doc == "" || a.Example == "" {
				t.Errorf("%s.%s has no doc or no example", kind.name, a.Name)
			}
			if kind.override {
				continue
			}
			src := manifestWith(kind, a)
			if _, d := loadText(src); d.HasErrors() {
				t.Errorf("the example of %s.%s: %v\n%s", kind.name, a.Name, d, src)
			}
		}
		if src := manifestOf(kind); src != "" && !strings.Contains(kind.example, "...") {
			if _, d := loadText(src); d.HasErrors() {
				t.Errorf("the example of %s: %v\n%s", kind.name, d, src)
			}
		}
	}
}

// manifestWith is a manifest that holds the example of an attribute, beside what
// its block requires.
func manifestWith(kind *blockType, a schema.Attribute) string {
	lines := fmt.Sprintf("%s = %s\n", a.Name, a.Example)
	for _, other := range kind.attrs {
		if other.Required && other.Name != a.Name {
			lines += fmt.Sprintf("%s = %s\n", other.Name, other.Example)
		}
	}
	const build = "build \"go\" {}\n"
	const project = "project = \"shop\"\n"
	service := func(body string) string {
		return project + "service \"web\" {\n" + body + "}\nservice \"db\" {\n" + build + "}\n"
	}
	header := kind.name
	for i, l := range kind.labels {
		name := "x"
		switch {
		case kind == objectBlock && i == 0:
			name = "object"
		case kind == queueBlock && i == 0:
			name = "queue"
		case kind.name == "target" && i == 0:
			name = "kubernetes"
		case kind.name == "build":
			name = "go"
		case l.doc == "the environment variable":
			name = "X"
		}
		header += fmt.Sprintf(" %q", name)
	}
	block := header + " {\n" + lines + "}\n"
	switch {
	case kind == &language:
		return lines + "service \"web\" {\n" + build + "}\n"
	case kind == serviceBlock:
		return service(build + lines)
	case kind == buildBlock:
		return service(block)
	case kind == validationBlock:
		return service(build) + "variable \"x\" {\ndefault = 1\n" + strings.Replace(block, "= true", "= var.x == 1", 1) + "}\n"
	case kind == environmentBlock:
		return service(build) + "variable \"log_level\" { default = \"info\" }\n" + block
	case kind == variableBlock:
		if a.Name != "default" {
			block = strings.Replace(block, "}\n", "default = \"x\"\n}\n", 1)
		}
		return service(build) + block
	case serviceBlock.block(kind.name) != nil:
		return service(build + block)
	}
	return service(build) + block
}

// manifestOf is a manifest that holds the example of a block.
func manifestOf(kind *blockType) string {
	const service = "project = \"shop\"\nservice \"api\" {\n%s}\n"
	inner := kind.example + "\n"
	switch {
	case kind == &language || kind == serviceBlock || kind.override:
		return ""
	case kind == buildBlock:
		return fmt.Sprintf(service, inner)
	case kind == validationBlock:
		return fmt.Sprintf(service, "build \"go\" {}\n") + "variable \"replicas\" {\ndefault = 1\n" + inner + "}\n"
	case kind == targetBlock:
		// The plugin of the tests requires another attribute.
		inner = strings.Replace(inner, "{\n", "{\n  context = \"shop-prod\"\n", 1)
	case kind == localsBlock:
		inner = strings.Replace(inner, "value", "1", 1)
	case serviceBlock.block(kind.name) != nil:
		return fmt.Sprintf(service, "build \"go\" {}\n"+inner)
	}
	return fmt.Sprintf(service, "build \"go\" {}\n") + inner
}

func TestTheManifestInMessagesLoads(t *testing.T) {
	if _, d := loadText(example); d.HasErrors() {
		t.Error(d)
	}
}
