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
	functions := standardFunctions()
	for foreign, name := range foreignFunctions {
		if _, ok := functions[name]; !ok && name != "env" {
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
			if src := manifestWith(kind, a); src != "" {
				if _, d := loadText(src); d.HasErrors() {
					t.Errorf("the example of %s.%s: %v\n%s", kind.name, a.Name, d, src)
				}
			}
		}
	}
}

// manifestWith is a manifest that holds the example of an attribute.
func manifestWith(kind *blockType, a schema.Attribute) string {
	line := fmt.Sprintf("%s = %s", a.Name, a.Example)
	const build = "build \"go\" {}\n"
	service := func(body string) string { return "project = \"shop\"\nservice \"web\" {\n" + body + "\n}\n" }
	switch kind.name {
	case "":
		return line + "\nservice \"web\" {\n" + build + "}\n"
	case "service":
		return service(build + line)
	case "build":
		return service("build \"go\" {\n" + line + "\n}")
	case "health", "scale":
		return service(build + kind.name + " {\n" + line + "\n}")
	case "variable":
		if a.Name != "default" {
			line += "\ndefault = \"x\""
		}
		return service(build) + "variable \"x\" {\n" + line + "\n}\n"
	}
	return ""
}

func TestTheManifestInMessagesLoads(t *testing.T) {
	if _, d := loadText(example); d.HasErrors() {
		t.Error(d)
	}
}
