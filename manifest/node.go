package manifest

import (
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// node is a block whose names are all known, or what is left of one when an
// environment's block was laid over it.
type node struct {
	// block is where messages about the block as a whole point to.
	block *block
	kind  *blockType
	attrs []*attribute
	nodes []*node
	// broken are inner blocks that were reported as a whole.
	broken []*block
	// index finds the block of the same kind and labels, once there are many.
	index map[string]*block
}

// attr returns the attribute of that name, or nil.
func (n *node) attr(name string) *attribute {
	for _, a := range n.attrs {
		if a.name == name {
			return a
		}
	}
	return nil
}

// all returns the inner blocks of that name.
func (n *node) all(name string) []*node {
	var list []*node
	for _, inner := range n.nodes {
		if inner.kind.name == name {
			list = append(list, inner)
		}
	}
	return list
}

// one returns the first inner block of that name, or nil.
func (n *node) one(name string) *node {
	for _, inner := range n.nodes {
		if inner.kind.name == name {
			return inner
		}
	}
	return nil
}

// label returns the text of a label.
func (n *node) label(i int) string { return n.block.labels[i].text }

// mentions reports whether the text has the name in the block, as whatever.
func (n *node) mentions(name string) bool {
	if n.attr(name) != nil || n.one(name) != nil || n.block.mentions(name) {
		return true
	}
	for _, b := range n.broken {
		if b.name == name {
			return true
		}
	}
	return false
}

// few is up to how many inner blocks are compared one by one.
const few = 8

// add adds an inner block.
func (n *node) add(inner *node) {
	n.nodes = append(n.nodes, inner)
	switch {
	case n.index != nil:
		n.index[identity(inner.block)] = inner.block
	case len(n.nodes) > few:
		n.index = make(map[string]*block, 2*len(n.nodes))
		for _, known := range n.nodes {
			n.index[identity(known.block)] = known.block
		}
	}
}

// same returns the block that another one of its kind must not be beside.
func (n *node) same(kind *blockType, b *block) *block {
	switch {
	case kind.once:
		if before := n.one(kind.name); before != nil {
			return before.block
		}
	case kind.unique && n.index != nil:
		return n.index[identity(b)]
	case kind.unique:
		wanted := identity(b)
		for _, known := range n.nodes {
			if known.kind.name == kind.name && identity(known.block) == wanted {
				return known.block
			}
		}
	}
	return nil
}

// identity tells the blocks of a block apart.
func identity(b *block) string {
	if len(b.labels) == 1 {
		return b.name + "\x00" + b.labels[0].text
	}
	parts := []string{b.name}
	for _, label := range b.labels {
		parts = append(parts, label.text)
	}
	return strings.Join(parts, "\x00")
}

// isMap says that an attribute is a map, of which an override replaces single
// entries.
func isMap(kind *blockType, name string) bool {
	a, _ := kind.attribute(name)
	return a.Type == typeEnv || a.Type == "map(string)"
}

// laid returns the node with an override laid over it: attributes replace those
// of the same name, entries of maps those of the same key, and blocks with the
// same labels are laid over each other. Neither of the two is changed.
func (l *loader) laid(base, over *node) *node {
	if base.kind.name == "build" && base.label(0) != over.label(0) {
		return l.added(over)
	}
	n := &node{block: base.block, kind: base.kind, broken: append(base.broken[:len(base.broken):len(base.broken)], over.broken...)}
	n.attrs = append(n.attrs, base.attrs...)
	for _, a := range over.attrs {
		n.lay(a)
	}
	others := make(map[string]*node, len(over.nodes))
	for _, other := range over.nodes {
		others[other.path()] = other
	}
	for _, inner := range base.nodes {
		if other := others[inner.path()]; other != nil {
			delete(others, inner.path())
			inner = l.laid(inner, other)
		}
		n.nodes = append(n.nodes, inner)
	}
	for _, other := range over.nodes {
		if others[other.path()] != nil {
			n.nodes = append(n.nodes, l.added(other))
		}
	}
	return n
}

// path is what an override of the block has in common with it.
func (n *node) path() string {
	if n.kind.once {
		return n.kind.name
	}
	return identity(n.block)
}

// added is a block of an override that overrides nothing: it has to be whole.
func (l *loader) added(n *node) *node {
	for _, a := range n.kind.attrs {
		if a.Required && n.attr(a.Name) == nil && !n.block.mentions(a.Name) {
			l.missingInOverride(n, a)
		}
	}
	for _, inner := range n.nodes {
		l.added(inner)
	}
	return n
}

// lay sets an attribute.
func (n *node) lay(a *attribute) {
	for i, before := range n.attrs {
		if before.name != a.name {
			continue
		}
		if isMap(n.kind, a.name) {
			merged := *a
			merged.under = before
			n.attrs[i] = &merged
		} else {
			n.attrs[i] = a
		}
		return
	}
	n.attrs = append(n.attrs, a)
}

// find returns where the node has a path such as "scale.min", "env.NAME" or
// "schedule.nightly.cron", or where the nearest thing around it is.
func (n *node) find(path string) hcl.Range {
	for at := n; ; {
		if path == "" {
			return at.block.header
		}
		inner, rest := at.inner(path)
		if inner != nil {
			at, path = inner, rest
			continue
		}
		name, key, _ := strings.Cut(path, ".")
		a := at.attr(name)
		if a == nil {
			return at.block.header
		}
		for layer := a; key != "" && layer != nil; layer = layer.under {
			if r, ok := layer.entry(key); ok {
				return r
			}
		}
		return a.place()
	}
}

// inner returns the inner block that a path begins with, and what follows.
func (n *node) inner(path string) (*node, string) {
	name, rest, _ := strings.Cut(path, ".")
	for _, candidate := range n.nodes {
		if candidate.kind.name != name {
			continue
		}
		if candidate.kind.once || len(candidate.block.labels) == 0 {
			return candidate, rest
		}
		var labels []string
		for _, label := range candidate.block.labels {
			labels = append(labels, label.text)
		}
		joined := strings.Join(labels, ".")
		if rest == joined {
			return candidate, ""
		}
		if after, ok := strings.CutPrefix(rest, joined+"."); ok {
			return candidate, after
		}
	}
	return nil, ""
}

// keyPlace returns where a map or a set that is written out has a key, or the
// place of the whole.
func (a *attribute) keyPlace(key string) hcl.Range {
	switch e := a.expr.(type) {
	case *hclsyntax.ObjectConsExpr:
		for _, item := range e.Items {
			if hcl.ExprAsKeyword(item.KeyExpr) == key || literalText(item.KeyExpr) == key {
				return item.KeyExpr.Range()
			}
		}
	case *hclsyntax.FunctionCallExpr:
		if len(e.Args) != 1 || e.Name != "toset" {
			break
		}
		list := e.Args[0]
		if wrapped, ok := list.(*metered); ok {
			list = wrapped.Expression
		}
		if tuple, ok := list.(*hclsyntax.TupleConsExpr); ok {
			for _, item := range tuple.Exprs {
				if literalText(item) == key {
					return item.Range()
				}
			}
		}
	}
	return a.place()
}

// entry returns where the map that an attribute writes out has a key.
func (a *attribute) entry(key string) (hcl.Range, bool) {
	object, ok := a.expr.(*hclsyntax.ObjectConsExpr)
	if !ok {
		return hcl.Range{}, false
	}
	for _, item := range object.Items {
		if hcl.ExprAsKeyword(item.KeyExpr) == key || literalText(item.KeyExpr) == key {
			return item.ValueExpr.Range(), true
		}
	}
	return hcl.Range{}, false
}

// literalText returns the text of a quoted string without templates, or "".
func literalText(e hclsyntax.Expression) string {
	if wrapped, ok := e.(*hclsyntax.ObjectConsKeyExpr); ok {
		e = wrapped.Wrapped
	}
	v, problems := e.Value(nil)
	if problems.HasErrors() {
		return ""
	}
	text, _ := textOf(v)
	return text
}
