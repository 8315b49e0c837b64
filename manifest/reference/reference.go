// Package reference writes the reference of the manifest, docs/manifest.md: prose
// from page.md, and tables from the language as data.
package reference

import (
	"bytes"
	_ "embed"
	"fmt"
	"strings"
	"text/template"

	"github.com/twofoldhq/twofold/manifest/schema"
)

var (
	//go:embed page.md
	page string
	// Example is the manifest that the reference begins with.
	//
	//go:embed example.hcl
	Example string
	// ForEach, Override and JSON are the other manifests in it.
	//
	//go:embed foreach.hcl
	ForEach string
	//go:embed override.hcl
	Override string
	//go:embed example.hcl.json
	JSON string
)

// Notice is the first line of the page.
const Notice = "<!-- Written by: make docs. The prose is in manifest/reference/page.md, the tables are the language's own. -->\n"

// Markdown returns the page. It panics if page.md names what the language does not
// have, which is a mistake in that file.
func Markdown(l schema.Language) []byte {
	t := template.Must(template.New("page").Funcs(template.FuncMap{
		"about": func(path string) string {
			b := find(l.Manifest, path)
			return describe(b, path != "manifest")
		},
		"variants":   func(path, intro string) string { return variants(find(l.Manifest, path), intro) },
		"settings":   func(path string) string { return settings(find(l.Manifest, path)) },
		"references": func() string { return references(l.References) },
		"functions":  func() string { return functions(l.Functions) },
		"types":      func() string { return types(l.Types) },
		"limits":     func() string { return limits(l.Limits) },
	}).Parse(page))
	var b bytes.Buffer
	b.WriteString(Notice)
	data := map[string]string{"Example": Example, "ForEach": ForEach, "Override": Override, "JSON": JSON}
	if err := t.Execute(&b, data); err != nil {
		panic(fmt.Sprintf("reference: %v", err))
	}
	return b.Bytes()
}

// find returns the block of a path such as service.on.queue.
func find(b schema.BlockDoc, path string) schema.BlockDoc {
	if path == "manifest" {
		return b
	}
steps:
	for name := range strings.SplitSeq(path, ".") {
		if inner, ok := b.Block(name); ok {
			b = inner
			continue
		}
		for _, v := range b.Variants {
			if v.Variant == name {
				b = v
				continue steps
			}
		}
		panic(fmt.Sprintf("reference: page.md names %q, and there is no such block", path))
	}
	return b
}

// describe writes what a block takes.
func describe(b schema.BlockDoc, example bool) string {
	var w strings.Builder
	fmt.Fprintf(&w, "\n%s%s\n", b.Doc, often(b))
	if example && !shownElsewhere(b) {
		fmt.Fprintf(&w, "\n```hcl\n%s\n```\n", b.Example)
	}
	w.WriteString(table(b.Attributes))
	if names := blockNames(b); len(names) > 0 {
		fmt.Fprintf(&w, "\nBlocks in it: %s.\n", strings.Join(names, ", "))
	}
	return w.String()
}

// shownElsewhere: the example is one of the variants', or stands for more than it
// shows, as the one at the top of the page does.
func shownElsewhere(b schema.BlockDoc) bool {
	return b.Example == "" || strings.Contains(b.Example, "...") || len(b.Variants) > 0 && b.Variants[0].Example != ""
}

// often says how many blocks there may be.
func often(b schema.BlockDoc) string {
	switch {
	case b.Name == "":
		return ""
	case b.Once:
		return " There is at most one."
	case b.AnyAttribute:
		return " There may be several; they are one."
	}
	return ""
}

func blockNames(b schema.BlockDoc) []string {
	var names []string
	for _, inner := range b.Blocks {
		// An override has no section of its own; GitHub makes the anchors.
		if inner.Overrides {
			names = append(names, fmt.Sprintf("`%s` (overrides)", inner.Name))
			continue
		}
		names = append(names, fmt.Sprintf("[`%s`](#%s)", inner.Name, inner.Name))
	}
	return names
}

// table writes attributes, or nothing if there are none.
func table(attributes []schema.Attribute) string {
	if len(attributes) == 0 {
		return ""
	}
	var w strings.Builder
	w.WriteString("\n| attribute | type | default | what it is | example |\n| --- | --- | --- | --- | --- |\n")
	for _, a := range attributes {
		fmt.Fprintf(&w, "| `%s` | %s | %s | %s | %s |\n", a.Name, cell(string(a.Type)), byDefault(a), cell(doc(a)), code(a.Example))
	}
	return w.String()
}

func byDefault(a schema.Attribute) string {
	switch {
	case a.Required:
		return "required"
	case a.Default == "":
		return "none"
	case strings.ContainsAny(a.Default[:1], "\"[{") || strings.Trim(a.Default, "0123456789") == "" || a.Default == "true" || a.Default == "false" || strings.HasPrefix(a.Default, "target."):
		return code(a.Default)
	}
	return cell(a.Default)
}

func doc(a schema.Attribute) string {
	text := a.Doc
	if len(a.Choices) > 0 {
		quoted := make([]string, len(a.Choices))
		for i, c := range a.Choices {
			quoted[i] = "`\"" + c + "\"`"
		}
		text += " The choices: " + strings.Join(quoted, ", ") + "."
	}
	if a.Deprecated != "" {
		text += fmt.Sprintf(" Deprecated: use `%s`.", a.Deprecated)
	}
	return text
}

// variants lists the kinds of a block that another page describes.
func variants(b schema.BlockDoc, intro string) string {
	var w strings.Builder
	fmt.Fprintf(&w, "%s\n\n", intro)
	for _, v := range b.Variants {
		fmt.Fprintf(&w, "- [`%s %q`](builders.md#%s-%s): %s\n", v.Name, v.Variant, v.Name, v.Variant, v.Doc)
	}
	return w.String()
}

// settings describes the kinds of a block here.
func settings(b schema.BlockDoc) string {
	var w strings.Builder
	for _, v := range b.Variants {
		fmt.Fprintf(&w, "\n### %s %q\n\n%s\n%s", v.Name, v.Variant, v.Doc, table(v.Attributes))
	}
	return w.String()
}

func references(roots []schema.Root) string {
	var w strings.Builder
	w.WriteString("| value | what it is | where |\n| --- | --- | --- |\n")
	for _, r := range roots {
		where := r.In
		if where == "" {
			where = "everywhere"
		}
		fmt.Fprintf(&w, "| `%s` | %s | %s |\n", r.Name, cell(r.Doc), where)
	}
	return w.String()
}

func functions(all []schema.Function) string {
	var w strings.Builder
	group := ""
	for _, f := range all {
		if f.Group != group {
			if group != "" {
				w.WriteString("\n")
			}
			group = f.Group
			fmt.Fprintf(&w, "#### %s\n\n| function | what it does | example |\n| --- | --- | --- |\n", group)
		}
		example := code(f.Example)
		if f.Result != "" {
			example += " is " + code(f.Result)
		}
		fmt.Fprintf(&w, "| `%s` | %s | %s |\n", signature(f), cell(f.Doc), example)
	}
	return w.String()
}

func signature(f schema.Function) string {
	var names []string
	for _, p := range f.Parameters {
		name := p.Name
		if p.Variadic {
			name += "..."
		}
		names = append(names, name)
	}
	return f.Name + "(" + strings.Join(names, ", ") + ")"
}

func types(all []schema.TypeDoc) string {
	var w strings.Builder
	w.WriteString("| type | what it takes |\n| --- | --- |\n")
	for _, t := range all {
		fmt.Fprintf(&w, "| %s | %s |\n", cell(string(t.Type)), cell(t.Doc))
	}
	return w.String()
}

func limits(all []schema.LimitDoc) string {
	var w strings.Builder
	w.WriteString("| what | at most |\n| --- | --- |\n")
	for _, l := range all {
		fmt.Fprintf(&w, "| %s | %s |\n", l.What, amount(l))
	}
	return w.String()
}

func amount(l schema.LimitDoc) string {
	if l.Unit == "bytes" && l.Limit%(1<<20) == 0 {
		return fmt.Sprintf("%d MiB", l.Limit>>20)
	}
	digits := fmt.Sprint(l.Limit)
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	if l.Unit != "" {
		digits += " " + l.Unit
	}
	return digits
}

// cell keeps a text within its cell.
func cell(text string) string {
	return strings.NewReplacer("|", "\\|", "\n", " ", "<", "&lt;").Replace(text)
}

// code is a text as code within a cell.
func code(text string) string {
	if text == "" {
		return ""
	}
	marks := "`"
	if strings.Contains(text, "`") {
		marks = "``"
	}
	return marks + strings.NewReplacer("|", "\\|", "\n", " ").Replace(text) + marks
}
