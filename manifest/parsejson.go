package manifest

import (
	"fmt"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	hcljson "github.com/hashicorp/hcl/v2/json"
	"github.com/zclconf/go-cty/cty"
)

// jsonReader turns the JSON syntax into the tree of the native one, so that
// everything behind it is the same for both. JSON does not tell a block from
// an attribute; the language does.
type jsonReader struct {
	diags *Diagnostics
}

// comment is the member that holds a comment in the JSON syntax of HCL.
const comment = "//"

type jsonObject interface{ ExprMap() []hcl.KeyValuePair }
type jsonArray interface{ ExprList() []hcl.Expression }

func parseJSON(src []byte, file string, t *blockType, diags *Diagnostics) *parsed {
	if d := guardJSON(src, file); d != nil {
		d.Severity = SeverityError
		diags.add(*d)
		return nil
	}
	expr, problems := hcljson.ParseExpression(src, file)
	if problems.HasErrors() {
		diags.addSyntax(problems, src)
		return nil
	}
	r := &jsonReader{diags: diags}
	pairs := objectPairs(expr)
	if pairs == nil {
		r.problem(expr.Range(), "The manifest is not a JSON object", "It begins with { and holds the blocks and attributes of the manifest by name.")
		return nil
	}
	root := &block{whole: expr.Range(), end: closing(expr.Range())}
	r.fill(root, t, pairs)
	return &parsed{file: file, root: root, broken: -1}
}

func (r *jsonReader) problem(at hcl.Range, summary, detail string) {
	place := rangeOf(at)
	r.diags.add(Diagnostic{Severity: SeverityError, Summary: summary, Detail: detail, Range: &place, order: orderValue})
}

// fill reads the members of an object as a block of type t.
func (r *jsonReader) fill(b *block, t *blockType, pairs []hcl.KeyValuePair) {
	for _, pair := range pairs {
		name := literal(pair.Key)
		if name == comment {
			continue
		}
		inner := t.block(name)
		if _, both := t.attribute(name); inner == nil || both && objectPairs(pair.Value) == nil {
			b.attrs = append(b.attrs, &attribute{name: name, nameRange: pair.Key.Range(), expr: r.expression(pair.Value)})
			continue
		}
		r.blocks(b, inner, block{name: name, nameRange: pair.Key.Range(), header: pair.Key.Range()}, pair.Value)
	}
}

// blocks reads the value of a member that is a block: an object for each label,
// then an object for one block or an array of them for several.
func (r *jsonReader) blocks(parent *block, t *blockType, head block, value hcl.Expression) {
	if items, ok := value.(jsonArray); ok {
		if list := items.ExprList(); list != nil {
			for _, item := range list {
				r.blocks(parent, t, head, item)
			}
			return
		}
	}
	pairs := objectPairs(value)
	if pairs == nil {
		name := head.name
		if len(head.labels) > 0 {
			name = head.labels[len(head.labels)-1].text
		}
		r.problem(value.Range(), fmt.Sprintf("%q has to be an object", name), fmt.Sprintf("%s Write it as an object:\n\n    %s", t.doc, t.jsonExample()))
		parent.refused = append(parent.refused, head.name)
		return
	}
	if len(head.labels) == len(t.labels) {
		b := head
		b.whole, b.end = value.Range(), closing(value.Range())
		r.fill(&b, t, pairs)
		parent.blocks = append(parent.blocks, &b)
		return
	}
	for _, pair := range pairs {
		if literal(pair.Key) == comment {
			continue
		}
		labelled := head
		labelled.labels = append(append([]label(nil), head.labels...), label{text: literal(pair.Key), at: pair.Key.Range()})
		labelled.header = pair.Key.Range()
		r.blocks(parent, t, labelled, pair.Value)
	}
}

// expression turns a JSON value into a native expression. Strings are
// templates, as everywhere in HCL.
func (r *jsonReader) expression(e hcl.Expression) hclsyntax.Expression {
	if pairs := objectPairs(e); pairs != nil {
		object := &hclsyntax.ObjectConsExpr{SrcRange: e.Range(), OpenRange: e.StartRange()}
		for _, pair := range pairs {
			object.Items = append(object.Items, hclsyntax.ObjectConsItem{
				KeyExpr: r.expression(pair.Key), ValueExpr: r.expression(pair.Value),
			})
		}
		return object
	}
	if items, ok := e.(jsonArray); ok {
		if list := items.ExprList(); list != nil {
			tuple := &hclsyntax.TupleConsExpr{SrcRange: e.Range(), OpenRange: e.StartRange()}
			for _, item := range list {
				tuple.Exprs = append(tuple.Exprs, r.expression(item))
			}
			return tuple
		}
	}
	value, _ := e.Value(nil)
	if value.Type() == cty.String && value.IsKnown() && !value.IsNull() {
		start := e.Range().Start
		start.Byte, start.Column = start.Byte+1, start.Column+1 // behind the quote
		expr, problems := hclsyntax.ParseTemplate([]byte(value.AsString()), e.Range().Filename, start)
		if e.Range().End.Byte-e.Range().Start.Byte != len(value.AsString())+2 {
			r.diags.escaped = append(r.diags.escaped, e.Range())
		}
		if problems.HasErrors() {
			at := e.Range()
			problems[0].Subject = &at
			d := syntaxError(problems[0], nil)
			d.Detail += " To write ${ or %{ as they are, double the first character."
			d.order = orderValue
			r.diags.add(d)
			// An unknown value is one that was reported.
			return &hclsyntax.LiteralValueExpr{Val: cty.DynamicVal, SrcRange: at}
		}
		return &jsonString{Expression: expr, at: e.Range()}
	}
	return &hclsyntax.LiteralValueExpr{Val: value, SrcRange: e.Range()}
}

// jsonString is the template of a JSON string, with the range of the string.
type jsonString struct {
	hclsyntax.Expression
	at hcl.Range
}

func (s *jsonString) Range() hcl.Range      { return s.at }
func (s *jsonString) StartRange() hcl.Range { return s.at }

// typeExpression returns the expression of a type constraint. In JSON it stands
// in a string.
func typeExpression(e hclsyntax.Expression) hclsyntax.Expression {
	text, ok := e.(*jsonString)
	if !ok {
		return e
	}
	v, problems := text.Value(nil)
	if problems.HasErrors() || v.Type() != cty.String || !v.IsKnown() || v.IsNull() {
		return e
	}
	start := text.at.Start
	start.Byte, start.Column = start.Byte+1, start.Column+1
	inner, problems := hclsyntax.ParseExpression([]byte(v.AsString()), text.at.Filename, start)
	if problems.HasErrors() {
		return e
	}
	return inner
}

// objectPairs returns the members of a JSON object, or nil for anything else.
func objectPairs(e hcl.Expression) []hcl.KeyValuePair {
	if o, ok := e.(jsonObject); ok {
		return o.ExprMap()
	}
	return nil
}

// literal returns the text of a JSON string as it is, not as a template.
func literal(e hcl.Expression) string {
	v, _ := e.Value(nil)
	if v.Type() == cty.String && v.IsKnown() && !v.IsNull() {
		return v.AsString()
	}
	return ""
}

// closing returns the range of the last character of a range.
func closing(r hcl.Range) hcl.Range {
	end := r
	end.Start = r.End
	end.Start.Byte, end.Start.Column = max(r.End.Byte-1, 0), max(r.End.Column-1, 1)
	return end
}
