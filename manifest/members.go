package manifest

import (
	"fmt"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
)

// member is one entry of a map that the manifest writes.
type member struct {
	key   string
	value cty.Value
	// keyAt and at are as tight as the text allows.
	keyAt, at hcl.Range
	// from is the expression that the value comes from.
	from hclsyntax.Expression
}

// members reads a map. One that is written out is read entry by entry, in the
// order of the text, so that a problem with one entry does not hide those of
// the others; any other comes in the order of its keys. wanted says what the
// value should be.
func (l *loader) members(a *attribute, wanted string) ([]member, bool) {
	if a == nil {
		return nil, false
	}
	if object, ok := a.expr.(*hclsyntax.ObjectConsExpr); ok {
		return l.writtenMembers(object), true
	}
	v, ok := l.evalAny(a.expr, l.functions)
	if !ok {
		return nil, false
	}
	v, marks := v.Unmark()
	switch t := v.Type(); {
	case len(marks) > 0 && v.IsKnown() && !v.IsNull() && (t.IsMapType() || t.IsObjectType()):
		l.report(Diagnostic{
			Summary: "The names in the map are sensitive",
			Detail:  "The names of environment variables are shown in plans, and those of a sensitive map must not be. Write the names out: { TOKEN = var.tokens[\"TOKEN\"] }",
		}, a.place())
		return nil, false
	case !v.IsKnown():
		l.notKnown(a.expr)
		return nil, false
	case v.IsNull():
		return nil, false
	case !t.IsMapType() && !t.IsObjectType():
		l.wrongType(a, a.place(), wanted, v.WithMarks(marks))
		return nil, false
	}
	var members []member
	for it := v.ElementIterator(); it.Next(); {
		key, value := it.Element()
		members = append(members, member{key: key.AsString(), value: value, keyAt: a.place(), at: a.place(), from: a.expr})
	}
	return members, true
}

func (l *loader) writtenMembers(object *hclsyntax.ObjectConsExpr) []member {
	var members []member
	first := map[string]hcl.Range{}
	for _, item := range object.Items {
		at := item.KeyExpr.Range()
		key, ok := l.eval(item.KeyExpr, l.functions)
		value, valueOK := l.evalAny(item.ValueExpr, l.functions)
		if !ok {
			continue
		}
		name, ok := textOf(key)
		if !ok {
			l.report(Diagnostic{Summary: "The key is not text", Detail: fmt.Sprintf("It is %s.", describe(key))}, at)
			continue
		}
		if before, twice := first[name]; twice {
			l.report(Diagnostic{
				Summary: fmt.Sprintf("%q is set twice", name),
				Detail:  "Remove one of the two.",
				Notes:   []Note{{"it is set here first", rangeOf(before)}},
			}, at)
			continue
		}
		first[name] = at
		if valueOK {
			members = append(members, member{key: name, value: value, keyAt: at, at: item.ValueExpr.Range(), from: item.ValueExpr})
		}
	}
	return members
}

func (l *loader) stringMap(a *attribute) (map[string]string, bool) {
	if a == nil {
		return nil, false
	}
	values, ok := map[string]string{}, true
	if a.under != nil && !l.isNull(a) {
		if under, has := l.stringMap(a.under); has {
			values = under
		}
	}
	members, isMap := l.members(a, "a map of strings")
	if !isMap {
		return values, a.under != nil
	}
	for _, m := range members {
		if m.value.ContainsMarked() {
			l.report(sensitiveHere, m.at)
			ok = false
			continue
		}
		if !m.value.IsKnown() {
			l.notKnown(m.from)
			ok = false
			continue
		}
		if m.value.IsNull() && a.under != nil {
			delete(values, m.key) // An override removes an entry.
			continue
		}
		s, isText := textOf(m.value)
		if !isText {
			l.report(Diagnostic{
				Summary: fmt.Sprintf("%q has to be a map of strings", a.name),
				Detail:  fmt.Sprintf("%q in it is %s.", m.key, describe(m.value)),
			}, m.at)
			ok = false
			continue
		}
		values[m.key] = s
	}
	return values, ok
}
