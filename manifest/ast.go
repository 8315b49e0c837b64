package manifest

import (
	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// block is one block of the text, from either syntax.
type block struct {
	name      string
	nameRange hcl.Range
	labels    []label
	// header is what a message about the whole block points to: its name and
	// its labels. end is the closing brace.
	header, end hcl.Range
	// whole reaches from the name to the closing brace.
	whole  hcl.Range
	attrs  []*attribute
	blocks []*block
	// refused are names that the text has and that could not be read.
	refused []string
}

// mentions reports whether the text has the name in the block, as whatever.
// What is there in the wrong form is not missing.
func (b *block) mentions(name string) bool {
	for _, inner := range b.blocks {
		if inner.name == name {
			return true
		}
	}
	for _, a := range b.attrs {
		if a.name == name {
			return true
		}
	}
	return contains(b.refused, name)
}

// label is one label of a block.
type label struct {
	text string
	at   hcl.Range
}

// attribute is one attribute of a block.
type attribute struct {
	name      string
	nameRange hcl.Range
	expr      hclsyntax.Expression
	// under is the attribute whose map this one is laid over, or nil.
	under *attribute
}

// place is what a message about the attribute's value points to.
func (a *attribute) place() hcl.Range { return a.expr.Range() }
