package manifest

import (
	"sort"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/ext/typeexpr"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/hashicorp/hcl/v2/hclwrite"
	"github.com/twofoldhq/twofold/manifest/schema"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/function"
)

// Describe returns the whole language as data, with the build and target blocks
// that the builders and plugins take. It is made of the same tables that read a
// manifest.
func Describe(builders, plugins []schema.Block) schema.Language {
	return schema.Language{
		Manifest:   describeBlockType(&language, builders, plugins),
		Types:      typeDocs,
		References: references(),
		Functions:  describeFunctions(),
		Limits:     languageLimits,
	}
}

func describeBlockType(t *blockType, builders, plugins []schema.Block) schema.BlockDoc {
	d := schema.BlockDoc{Name: t.name, Doc: t.doc, Example: t.example, Once: t.once, AnyAttribute: t.anyAttribute}
	for _, label := range t.labels {
		d.Labels = append(d.Labels, schema.LabelDoc{Name: label.name, Doc: label.doc})
	}
	if t.override {
		d.Overrides = true
		return d
	}
	d.Attributes = t.attrs
	for _, inner := range t.blocks {
		d.Blocks = append(d.Blocks, describeBlockType(inner, builders, plugins))
	}
	for i, kind := range t.variants {
		variant := describeBlockType(kind, builders, plugins)
		variant.Variant = t.variantNames()[i]
		d.Variants = append(d.Variants, variant)
	}
	switch t.name {
	case buildBlock.name:
		d.Variants = describeSettings(t, builders)
	case targetBlock.name:
		d.Variants = describeSettings(t, plugins)
	}
	return d
}

// describeSettings are the kinds of a block that builders or plugins define,
// without the local targets, which have no block.
func describeSettings(t *blockType, owners []schema.Block) []schema.BlockDoc {
	var variants []schema.BlockDoc
	for _, owner := range owners {
		if t.name == targetBlock.name && owner.Label == localPlugin {
			continue
		}
		variants = append(variants, schema.BlockDoc{Name: t.name, Variant: owner.Label, Doc: owner.Doc, Attributes: owner.Attributes})
	}
	sort.Slice(variants, func(i, j int) bool { return variants[i].Variant < variants[j].Variant })
	return variants
}

// localPlugin is the plugin of the targets that exist without a block.
const localPlugin = "local"

func references() []schema.Root {
	list := append([]schema.Root(nil), rootDocs...)
	for i := range list {
		if fact, ok := strings.CutPrefix(list[i].Name, "git."); ok {
			list[i].Doc = gitFacts[fact]
		}
	}
	return list
}

// allFunctions are those of any expression. What they need of a loader is not
// there: they are described, and called only where they need nothing.
func allFunctions() map[string]function.Function {
	l := &loader{meter: newMeter(), files: &fileReader{content: map[string]string{}}}
	functions := standardFunctions()
	functions["env"] = envFunction(func(string) (string, bool) { return "", false })
	l.addFileFunctions(functions)
	return functions
}

func describeFunctions() []schema.Function {
	functions := allFunctions()
	var list []schema.Function
	for i, group := range functionGroups {
		for _, doc := range group.functions {
			f := functions[doc.name]
			d := schema.Function{Name: doc.name, Group: group.title, Doc: doc.doc, Example: doc.example, Parameters: []schema.Parameter{}, Returns: returned(f)}
			for _, p := range f.Params() {
				d.Parameters = append(d.Parameters, describeParameter(p))
			}
			if p := f.VarParam(); p != nil {
				variadic := describeParameter(*p)
				variadic.Variadic = true
				d.Parameters = append(d.Parameters, variadic)
			}
			if i > 0 { // The first group is the inputs, which differ from machine to machine.
				d.Result = evaluated(doc.example, functions)
			}
			list = append(list, d)
		}
	}
	return list
}

func describeParameter(p function.Parameter) schema.Parameter {
	return schema.Parameter{Name: p.Name, Type: typeText(p.Type), Nullable: p.AllowNull}
}

func typeText(t cty.Type) string {
	if t.IsCapsuleType() || t.IsObjectType() || t.HasDynamicTypes() && !t.IsCollectionType() {
		return "any"
	}
	return typeexpr.TypeString(t)
}

// returned is the type of a function's result where it depends on no argument.
func returned(f function.Function) string {
	text := ""
	for _, stand := range standIns {
		args := make([]cty.Type, len(f.Params()))
		for i, p := range f.Params() {
			if args[i] = p.Type; p.Type == cty.DynamicPseudoType {
				args[i] = stand
			}
		}
		t, err := f.ReturnType(args)
		if err != nil {
			continue // The argument does not fit.
		}
		if this := typeText(t); text == "" || text == this {
			text = this
		} else {
			return "any"
		}
	}
	if text == "" {
		return "any"
	}
	return text
}

// standIns are types for parameters that take any.
var standIns = []cty.Type{cty.List(cty.String), cty.List(cty.Number), cty.Map(cty.String), cty.Map(cty.Number), cty.String, cty.Number}

// evaluated returns the value of an expression as text in native syntax, or "".
func evaluated(src string, functions map[string]function.Function) string {
	expr, problems := hclsyntax.ParseExpression([]byte(src), "", hcl.InitialPos)
	if problems.HasErrors() {
		return ""
	}
	v, problems := expr.Value(&hcl.EvalContext{Functions: functions})
	if problems.HasErrors() || !v.IsWhollyKnown() {
		return ""
	}
	return inOneLine(v)
}

// inOneLine writes a value in native syntax.
func inOneLine(v cty.Value) string {
	if v.IsNull() || v.Type().IsPrimitiveType() || v.LengthInt() == 0 {
		return string(hclwrite.TokensForValue(v).Bytes())
	}
	var items []string
	named := v.Type().IsMapType() || v.Type().IsObjectType()
	for it := v.ElementIterator(); it.Next(); {
		key, inner := it.Element()
		item := inOneLine(inner)
		if named {
			item = key.AsString() + " = " + item
		}
		items = append(items, item)
	}
	if named {
		return "{ " + strings.Join(items, ", ") + " }"
	}
	return "[" + strings.Join(items, ", ") + "]"
}
