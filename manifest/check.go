package manifest

import (
	"fmt"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/twofoldhq/twofold/manifest/schema"
)

// content is a block whose names are all known.
type content struct {
	block  *block
	kind   *blockType
	attrs  map[string]*attribute
	blocks map[string][]*block
}

// check compares a block with what its kind takes, reports what does not fit,
// and returns what does. It does not look into inner blocks.
func (l *loader) check(b *block, t *blockType) *content {
	c := &content{block: b, kind: t, attrs: map[string]*attribute{}, blocks: map[string][]*block{}}
	for _, a := range b.attrs {
		if first, twice := c.attrs[a.name]; twice {
			l.report(Diagnostic{
				Summary: fmt.Sprintf("The attribute %q is set twice", a.name),
				Detail:  "Remove one of the two.",
				Notes:   []Note{{"it is set here first", rangeOf(first.nameRange)}},
			}, a.nameRange)
			continue
		}
		if _, known := t.attribute(a.name); known || t.anyAttribute {
			c.attrs[a.name] = a
			continue
		}
		l.strangeAttribute(a, t)
	}
	for _, inner := range b.blocks {
		kind := t.block(inner.name)
		switch {
		case kind == nil:
			l.strangeBlock(inner, t)
		case !l.checkLabels(inner, kind):
		case kind.once && len(c.blocks[inner.name]) > 0:
			l.report(Diagnostic{
				Summary: fmt.Sprintf("There are two %s blocks", inner.name),
				Detail:  fmt.Sprintf("%s block takes at most one. Put everything into one block.", article(t.name)),
				Notes:   []Note{{"the first one is here", rangeOf(c.blocks[inner.name][0].header)}},
			}, inner.header)
		default:
			c.blocks[inner.name] = append(c.blocks[inner.name], inner)
		}
	}
	for _, a := range t.attrs {
		if a.Required && !b.mentions(a.Name) {
			l.missing(b, t, a)
		}
	}
	return c
}

// missing reports a required attribute that is not set.
func (l *loader) missing(b *block, t *blockType, a schema.Attribute) {
	example := ""
	if a.Example != "" {
		example = fmt.Sprintf(", for example: %s = %s", a.Name, a.Example)
	}
	in := "The manifest"
	if t.name != "" {
		in = "The " + describeBlock(b) + " block"
	}
	l.reportMissing(Diagnostic{
		Summary: fmt.Sprintf("The attribute %q is missing", a.Name),
		Detail:  strings.TrimSpace(fmt.Sprintf("%s needs it%s\n%s", in, example, a.Doc)),
	}, b.header)
}

// describeBlock returns the header of a block as it is written: build "go".
func describeBlock(b *block) string {
	text := b.name
	for _, label := range b.labels {
		text += fmt.Sprintf(" %q", label.text)
	}
	return text
}

func (l *loader) checkLabels(b *block, t *blockType) bool {
	switch {
	case len(b.labels) < len(t.labels):
		l.report(Diagnostic{
			Summary: fmt.Sprintf("The %s block has no label", b.name),
			Detail:  fmt.Sprintf("Its label says %s: %s", t.labels[len(b.labels)].doc, t.example),
		}, b.header)
		return false
	case len(b.labels) > len(t.labels) && len(t.labels) == 0:
		l.report(Diagnostic{
			Summary: fmt.Sprintf("The %s block takes no label", b.name),
			Detail:  "Remove it: " + t.example,
		}, b.labels[0].at)
		return false
	case len(b.labels) > len(t.labels):
		l.report(Diagnostic{
			Summary: fmt.Sprintf("The %s block has a label too many", b.name),
			Detail:  fmt.Sprintf("It takes one label, which says %s: %s", t.labels[0].doc, t.example),
		}, b.labels[len(t.labels)].at)
		return false
	}
	return true
}

// strangeAttribute reports an attribute that the block does not take.
func (l *loader) strangeAttribute(a *attribute, t *blockType) {
	if later, ok := t.laterItem(a.name); ok {
		l.notYet(a.name, later, a.nameRange)
		return
	}
	if inner := t.block(a.name); inner != nil {
		l.report(Diagnostic{
			Summary: fmt.Sprintf("%q is a block, not an attribute", a.name),
			Detail:  fmt.Sprintf("Write it without the equals sign:\n\n%s", indent(inner.example)),
		}, a.nameRange)
		return
	}
	l.report(Diagnostic{
		Summary: fmt.Sprintf("Unknown attribute %q", a.name),
		Detail:  l.unknownName(a.name, t),
	}, a.nameRange)
}

// strangeBlock reports a block that the block around it does not take.
func (l *loader) strangeBlock(b *block, t *blockType) {
	if later, ok := t.laterItem(b.name); ok {
		l.notYet(b.name, later, b.header)
		return
	}
	if a, ok := t.attribute(b.name); ok {
		l.report(Diagnostic{
			Summary: fmt.Sprintf("%q is an attribute, not a block", b.name),
			Detail:  fmt.Sprintf("Write it with an equals sign: %s = %s", a.Name, a.Example),
		}, b.header)
		return
	}
	l.report(Diagnostic{
		Summary: fmt.Sprintf("Unknown block %q", b.name),
		Detail:  l.unknownName(b.name, t),
	}, b.header)
}

func (l *loader) notYet(name string, later laterItem, at hcl.Range) {
	l.report(Diagnostic{
		Summary: fmt.Sprintf("%q is not supported yet in this version", name),
		Detail:  fmt.Sprintf("The language has %s, and a later version of twofold reads them. Remove %q for now.", later.doc, name),
	}, at)
}

// unknownName helps with a name that the block does not take: a near name, the
// block it belongs into, or the list of what is allowed.
func (l *loader) unknownName(name string, t *blockType) string {
	if known, ok := t.foreign[strings.ToLower(name)]; ok {
		return fmt.Sprintf("Did you mean %q?%s", known, t.exampleOf(known))
	}
	candidates := append(t.attributeNames(), t.blockNames()...)
	for _, later := range t.later {
		candidates = append(candidates, later.name)
	}
	if home := l.homeOf(name, t); home != "" {
		return home
	}
	if near := nearest(name, candidates); near != "" {
		return fmt.Sprintf("Did you mean %q?", near)
	}
	return t.takes()
}

// exampleOf shows how the name is used in the block, or returns "".
func (t *blockType) exampleOf(name string) string {
	if a, ok := t.attribute(name); ok && a.Example != "" {
		return fmt.Sprintf(" For example: %s = %s", a.Name, a.Example)
	}
	if inner := t.block(name); inner != nil {
		return "\n\n" + indent(inner.example)
	}
	return ""
}

// homeOf says where a name belongs that another block of the language takes.
func (l *loader) homeOf(name string, t *blockType) string {
	for _, inner := range t.blocks {
		if _, ok := inner.attribute(name); ok && inner.name != "variable" {
			return fmt.Sprintf("It belongs into the block %s:\n\n%s", inner.name, indent(inner.example))
		}
	}
	for _, other := range []*blockType{&language, serviceBlock, scaleBlock, healthBlock} {
		if other.name == t.name {
			continue
		}
		_, isAttribute := other.attribute(name)
		if !isAttribute && other.block(name) == nil {
			continue
		}
		if other == &language {
			return "It belongs outside of the blocks, at the top level of the manifest."
		}
		return fmt.Sprintf("It belongs into %s block. %s", strings.ToLower(article(other.name)), t.takes())
	}
	return ""
}

func indent(code string) string {
	return "    " + strings.ReplaceAll(code, "\n", "\n    ")
}
