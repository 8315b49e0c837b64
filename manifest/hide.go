package manifest

import (
	"bytes"
	"regexp"

	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// hideSensitive keeps the values of sensitive variables out of the lines that
// messages show: those that the blocks of the variables hold and those that any
// environment gives, whether they are used or only stand there.
func (l *loader) hideSensitive(root *block) {
	names := map[string]bool{}
	for _, b := range root.blocks {
		if b.name != "variable" || !isSensitive(b) {
			continue
		}
		if len(b.labels) > 0 {
			names[b.labels[0].text] = true
		}
		l.hideVariable(b)
	}
	if len(names) == 0 {
		return
	}
	for _, b := range root.blocks {
		if b.name != "environment" {
			continue
		}
		for _, a := range b.attrs {
			if a.name != "target" {
				l.hidePairs(a, names)
			}
		}
		l.hideRepeated(b, names)
	}
}

// isSensitive reports whether a variable block calls its variable sensitive. In
// doubt it does.
func isSensitive(b *block) bool {
	for _, a := range b.attrs {
		if a.name != "sensitive" && a.name != "secret" {
			continue
		}
		literal, ok := a.expr.(*hclsyntax.LiteralValueExpr)
		if !ok || !literal.Val.IsKnown() {
			return true
		}
		if text, ok := textOf(literal.Val); ok && text != "false" {
			return true
		}
	}
	return false
}

// hideVariable hides what a variable block holds that can be its value: also an
// attribute whose name is misspelled.
func (l *loader) hideVariable(b *block) {
	for _, a := range b.attrs {
		switch a.name {
		case "type", "description", "sensitive":
		default:
			l.diags.hide(rangeOf(a.place()))
		}
	}
	l.hideRepeated(b, map[string]bool{"default": true})
	for _, inner := range b.blocks {
		if inner.name != "validation" {
			l.diags.hide(rangeOf(inner.whole))
		}
	}
}

// hidePairs hides the values of sensitive variables in the map of an environment,
// and those of names that no variable has, which may be misspelled.
func (l *loader) hidePairs(a *attribute, sensitive map[string]bool) {
	pairs, ok := writtenPairs(a.expr)
	if !ok {
		l.diags.hide(rangeOf(a.place()))
	}
	for _, p := range pairs {
		if _, declared := l.declaredByName[p.name]; sensitive[p.name] || !declared {
			l.diags.hide(rangeOf(p.expr.Range()))
		}
	}
}

var (
	assigned = regexp.MustCompile(`(?:^|[{,\s])"?([A-Za-z_][A-Za-z0-9_-]*)"?[ \t]*[=:]`)
	// topLevel is where a block of the native syntax begins, as people indent it.
	topLevel = regexp.MustCompile(`(?m)^[A-Za-z_]`)
)

// hideRepeated hides the lines of a block that set one of the names and that the
// tree does not have: the second of two attributes of one name.
func (l *loader) hideRepeated(b *block, names map[string]bool) {
	src := l.diags.sources[b.whole.Filename]
	number := b.whole.Start.Line
	for i, line := range bytes.Split(b.whole.SliceBytes(src), []byte("\n")) {
		for _, m := range assigned.FindAllSubmatch(line, -1) {
			if names[string(m[1])] {
				at := Position{Line: number + i}
				l.diags.hide(Range{File: b.whole.Filename, Start: at, End: at})
				break
			}
		}
	}
}

// hideBroken is for a file that cannot be read to its end. What of it belongs to a
// sensitive variable is found in the text alone.
func (l *loader) hideBroken(file string, src []byte) {
	if !bytes.Contains(src, []byte("sensitive")) {
		return
	}
	if isJSONName(file) {
		l.diags.hideFile(file)
		return
	}
	starts := topLevel.FindAllIndex(src, -1)
	for i, start := range starts {
		end := len(src)
		if i+1 < len(starts) {
			end = starts[i+1][0]
		}
		part := src[start[0]:end]
		isVariable := bytes.HasPrefix(part, []byte("variable")) && bytes.Contains(part, []byte("sensitive"))
		if isVariable || bytes.HasPrefix(part, []byte("environment")) && bytes.Contains(part, []byte("variables")) {
			l.diags.hide(Range{File: file, Start: positionOf(src, start[0]), End: positionOf(src, end)})
		}
	}
}

// hideDetails takes out of the problems with the syntax what may be a part of a
// text that is not shown.
func (l *loader) hideDetails() {
	for i := range l.diags.list {
		d := &l.diags.list[i]
		if d.order == orderSyntax && d.Range != nil && !l.diags.shows(*d.Range) && !plainSyntaxWords(d.Detail) {
			d.Detail = "What is wrong is not shown, since it may be a part of a sensitive value. Text stands in double quotes, and each attribute on a line of its own."
		}
	}
}
