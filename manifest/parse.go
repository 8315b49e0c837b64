package manifest

import (
	"fmt"
	"sort"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// parsed is a text as a tree.
type parsed struct {
	file string
	root *block
	// broken is the byte where the first syntax error makes the rest unreliable,
	// or -1 if the text is whole.
	broken int
}

// parse turns the text into a tree. A text with errors has a tree as well, of
// what could be read.
func parse(src []byte, file string, isJSON bool, diags *Diagnostics) *parsed {
	return parseAs(src, file, isJSON, &language, diags)
}

// parseAs is parse for a text that is a block of another type.
func parseAs(src []byte, file string, isJSON bool, t *blockType, diags *Diagnostics) *parsed {
	if d := guardText(src, file); d != nil {
		d.Severity = SeverityError
		diags.add(*d)
		return nil
	}
	if isJSON {
		return parseJSON(src, file, t, diags)
	}
	tokens, _ := hclsyntax.LexConfig(src, file, hcl.InitialPos)
	if d := guardTokens(tokens); d != nil {
		d.Severity = SeverityError
		diags.add(*d)
		return nil
	}
	f, problems := hclsyntax.ParseConfig(src, file, hcl.InitialPos)
	p := &parsed{file: file, broken: -1}
	body, ok := f.Body.(*hclsyntax.Body)
	if !ok {
		return nil
	}
	p.root = nativeBlock(body)
	p.root.whole = hcl.Range{Filename: file, Start: hcl.InitialPos, End: body.EndRange.End}
	var syntax hcl.Diagnostics
	for _, problem := range problems {
		switch {
		case problem.Subject == nil:
		case problem.Summary == "Attribute redefined":
			diags.add(duplicateAttribute(p.root, problem))
		default:
			syntax = append(syntax, problem)
		}
	}
	p.broken = diags.addSyntax(syntax, src)
	for i := range diags.list {
		if diags.list[i].Summary == summaryUnclosed {
			if note, ok := suspectBlock(tokens, src); ok {
				diags.list[i].Notes = append(diags.list[i].Notes, note)
			}
		}
	}
	return p
}

func nativeBlock(body *hclsyntax.Body) *block {
	b := &block{end: body.EndRange}
	for _, a := range body.Attributes {
		b.attrs = append(b.attrs, &attribute{name: a.Name, nameRange: a.NameRange, expr: a.Expr})
	}
	sort.Slice(b.attrs, func(i, j int) bool { return b.attrs[i].nameRange.Start.Byte < b.attrs[j].nameRange.Start.Byte })
	for _, inner := range body.Blocks {
		child := nativeBlock(inner.Body)
		child.name, child.nameRange, child.end = inner.Type, inner.TypeRange, inner.CloseBraceRange
		child.header = inner.TypeRange
		for i, text := range inner.Labels {
			child.labels = append(child.labels, label{text: text, at: inner.LabelRanges[i]})
			child.header = hcl.RangeBetween(child.header, inner.LabelRanges[i])
		}
		child.whole = hcl.RangeBetween(inner.TypeRange, inner.CloseBraceRange)
		b.blocks = append(b.blocks, child)
	}
	return b
}

// duplicateAttribute finds the first place of an attribute that the parser
// found a second time.
func duplicateAttribute(root *block, problem *hcl.Diagnostic) Diagnostic {
	at := problem.Subject.Start.Byte
	inner := root
	for descended := true; descended; {
		descended = false
		for _, b := range inner.blocks {
			if b.whole.Start.Byte <= at && at < b.whole.End.Byte {
				inner, descended = b, true
				break
			}
		}
	}
	var first *attribute
	name := ""
	for _, a := range inner.attrs {
		if strings.Contains(problem.Detail, fmt.Sprintf("%q", a.name)) {
			first, name = a, a.name
			break
		}
	}
	place := rangeOf(*problem.Subject)
	d := Diagnostic{
		Severity: SeverityError,
		Summary:  "The attribute is set twice",
		Detail:   "Remove one of the two.",
		Range:    &place,
		order:    orderValue,
	}
	if first != nil {
		d.Summary = fmt.Sprintf("The attribute %q is set twice", name)
		d.Notes = []Note{{Message: "it is set here first", Range: rangeOf(first.nameRange)}}
	}
	return d
}
