package manifest

import (
	"reflect"
	"sort"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/twofoldhq/twofold/manifest/schema"
)

func TestEveryFunctionIsDescribedOnce(t *testing.T) {
	functions := allFunctions()
	var described []string
	for _, f := range Describe(nil, nil).Functions {
		described = append(described, f.Name)
		if !strings.HasSuffix(f.Doc, ".") {
			t.Errorf("%s: the doc is no sentence: %q", f.Name, f.Doc)
		}
		if !strings.HasPrefix(f.Example, f.Name+"(") && !strings.Contains(f.Example, "("+f.Name+"(") && !strings.HasPrefix(f.Example, "substr("+f.Name) {
			t.Errorf("%s: the example %s does not call it", f.Name, f.Example)
		}
		if f.Result == "" && f.Group != functionGroups[0].title {
			t.Errorf("%s: the example %s has no value", f.Name, f.Example)
		}
	}
	all := functionNames(functions)
	sort.Strings(all)
	sort.Strings(described)
	if diff := cmp.Diff(all, described); diff != "" {
		t.Errorf("the functions that exist and those that are described differ:\n%s", diff)
	}
}

func TestFunctionsOfAGroupAreSorted(t *testing.T) {
	for _, group := range functionGroups {
		for i := 1; i < len(group.functions); i++ {
			if group.functions[i-1].name >= group.functions[i].name {
				t.Errorf("%s: %s stands behind %s", group.title, group.functions[i].name, group.functions[i-1].name)
			}
		}
	}
}

func TestEveryReferenceIsDescribed(t *testing.T) {
	described := map[string]bool{}
	for _, r := range Describe(nil, nil).References {
		root, _, _ := strings.Cut(r.Name, ".")
		described[root] = true
		if !strings.HasSuffix(r.Doc, ".") {
			t.Errorf("%s: the doc is no sentence: %q", r.Name, r.Doc)
		}
	}
	for _, root := range roots {
		if !described[root] {
			t.Errorf("%s is not described", root)
		}
	}
	for fact := range gitFacts {
		found := false
		for _, r := range rootDocs {
			found = found || r.Name == "git."+fact
		}
		if !found {
			t.Errorf("git.%s is not described", fact)
		}
	}
}

// Whoever adds a type is told here that it has to be described.
func TestEveryTypeIsDescribed(t *testing.T) {
	described := map[schema.Type]bool{}
	for _, d := range typeDocs {
		described[d.Type] = true
	}
	used := map[schema.Type]bool{}
	for _, kind := range kinds() {
		for _, a := range kind.attrs {
			used[a.Type] = true
			if !described[a.Type] {
				t.Errorf("%s.%s has the type %q, which is not described", kind.name, a.Name, a.Type)
			}
		}
	}
	for _, d := range typeDocs {
		if !used[d.Type] && d.Type != schema.StringMap && d.Type != schema.File {
			t.Errorf("no attribute has the type %q", d.Type)
		}
	}
}

func TestDescribeHasTheWholeTable(t *testing.T) {
	d := Describe(testBuilders(), append(testPlugins(), schema.Block{Label: "local", Doc: "This machine."}))
	var compare func(path string, kind *blockType, doc schema.BlockDoc)
	compare = func(path string, kind *blockType, doc schema.BlockDoc) {
		if doc.Name != kind.name || doc.Doc != kind.doc || len(doc.Labels) != len(kind.labels) {
			t.Errorf("%s: %+v", path, doc)
		}
		if kind.override {
			if !doc.Overrides || doc.Attributes != nil || doc.Blocks != nil {
				t.Errorf("%s is no override: %+v", path, doc)
			}
			return
		}
		if !reflect.DeepEqual(doc.Attributes, kind.attrs) || len(doc.Blocks) != len(kind.blocks) {
			t.Errorf("%s: the attributes or the blocks differ", path)
		}
		for i, inner := range kind.blocks {
			compare(path+"."+inner.name, inner, doc.Blocks[i])
		}
		for i, inner := range kind.variants {
			compare(path+" "+kind.variantNames()[i], inner, doc.Variants[i])
			if doc.Variants[i].Variant != kind.variantNames()[i] {
				t.Errorf("%s: %+v", path, doc.Variants[i])
			}
		}
	}
	compare("manifest", &language, d.Manifest)
	service, _ := d.Manifest.Block("service")
	build, _ := service.Block("build")
	if len(build.Variants) != len(testBuilders()) {
		t.Errorf("the builders are %+v", build.Variants)
	}
	target, _ := d.Manifest.Block("target")
	for _, v := range target.Variants {
		if v.Variant == "local" {
			t.Error("a block of the local targets is an error, and it is described")
		}
	}
	if len(target.Variants) != len(testPlugins()) {
		t.Errorf("the plugins are %+v", target.Variants)
	}
}
