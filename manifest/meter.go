package manifest

import (
	"fmt"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
)

// An expression of a few lines can describe a value of any size: locals that
// double each other, nested for expressions. The evaluation of HCL cannot be
// interrupted, so the expressions are: each place where a value is copied or
// repeated is wrapped and pays for the value's size from one budget.

const (
	// maxValues is the budget of one Load, in bytes of text plus valueCost for
	// each value. It bounds the memory at a few times as much.
	maxValues = 128 << 20
	valueCost = 32
	// maxSteps bounds how often a wrapped place is evaluated, and so the time.
	maxSteps = 2_000_000
	// maxValueDepth is how deep lists and maps nest in a value.
	maxValueDepth = 100
	// maxExponent bounds numbers: 2 to this power has 1,234 digits.
	maxExponent = 4096
)

// The summaries of what exceeds the limits.
const (
	tooLongToEvaluate = "The manifest takes too long"
	tooBigToEvaluate  = "The values of the manifest are too big"
)

// meter counts what the evaluation has cost so far.
type meter struct {
	spent, steps          int
	valueLimit, stepLimit int
}

func newMeter() *meter { return &meter{valueLimit: maxValues, stepLimit: maxSteps} }

// reset gives the whole budget back, of another size if limits are given.
func (m *meter) reset(limits *meter) {
	m.spent, m.steps = 0, 0
	if limits != nil {
		m.valueLimit, m.stepLimit = limits.valueLimit, limits.stepLimit
	}
}

func (m *meter) exhausted() bool { return m.spent > m.valueLimit || m.steps > m.stepLimit }

// tooExpensive is thrown through the evaluation of HCL, which has no other way
// out, and caught in eval.
type tooExpensive struct {
	at              hcl.Range
	summary, detail string
}

// charge pays for a value, or ends the evaluation.
func (m *meter) charge(v cty.Value, at hcl.Range) {
	if m.steps++; m.steps > m.stepLimit {
		panic(tooExpensive{at, tooLongToEvaluate, fmt.Sprintf("All expressions together may take %d steps. A for expression here repeats another too often.", m.stepLimit)})
	}
	m.measure(v, at, 0)
}

func (m *meter) measure(v cty.Value, at hcl.Range, depth int) {
	m.pay(valueCost, at)
	if v == cty.NilVal {
		return
	}
	if v, _ = v.Unmark(); !v.IsKnown() || v.IsNull() {
		return
	}
	switch t := v.Type(); {
	case t == cty.String:
		m.pay(len(v.AsString()), at)
	case t == cty.Number:
		f := v.AsBigFloat()
		if f.IsInf() {
			panic(tooExpensive{at, "The number is infinite", "It comes from a division by zero, or is too big for anything in a manifest."})
		}
		if exp := f.MantExp(nil); exp > maxExponent || exp < -maxExponent {
			panic(tooExpensive{at, "The number is out of range", "Its absolute value is too big, or too near to zero, for anything in a manifest."})
		}
	case t.IsCollectionType() || t.IsTupleType() || t.IsObjectType():
		if depth >= maxValueDepth {
			panic(tooExpensive{at, "The value nests too deep", fmt.Sprintf("Lists and maps nest at most %d deep.", maxValueDepth)})
		}
		for it := v.ElementIterator(); it.Next(); {
			key, inner := it.Element()
			if key.Type() == cty.String && key.IsKnown() && !key.IsNull() && !key.IsMarked() {
				m.pay(len(key.AsString()), at)
			}
			m.measure(inner, at, depth+1)
		}
	}
}

func (m *meter) pay(cost int, at hcl.Range) {
	if m.spent += cost; m.spent > m.valueLimit {
		panic(tooExpensive{at, tooBigToEvaluate, fmt.Sprintf("All values together may have %d MiB. An expression here repeats or doubles a value too often.", m.valueLimit>>20)})
	}
}

// metered is an expression that pays for its value.
type metered struct {
	hclsyntax.Expression
	meter *meter
}

func (e *metered) Value(ctx *hcl.EvalContext) (cty.Value, hcl.Diagnostics) {
	v, diags := e.Expression.Value(ctx)
	e.meter.charge(v, e.Expression.Range())
	return e.meter.uniform(v, e.Expression.Range()), diags
}

// manyElements is from how many elements on the conversion of a list or a map that
// is written out costs more than its size: it compares all their types in pairs.
const manyElements = 500

// uniform makes a list or a map of a long one that is written out, whose elements
// have one type, since that needs no comparing. Others pay for it.
func (m *meter) uniform(v cty.Value, at hcl.Range) cty.Value {
	if v == cty.NilVal || v.IsMarked() || !v.IsKnown() || v.IsNull() {
		return v
	}
	t := v.Type()
	if !t.IsTupleType() && !t.IsObjectType() || v.LengthInt() < manyElements {
		return v
	}
	var first cty.Type
	for it := v.ElementIterator(); it.Next(); {
		_, inner := it.Element()
		if first == cty.NilType {
			first = inner.Type()
		}
		if first == cty.DynamicPseudoType || !inner.Type().Equals(first) {
			if m.steps += v.LengthInt() * v.LengthInt() / 100; m.steps > m.stepLimit {
				panic(tooExpensive{at, tooLongToEvaluate, "A list or a map here has too many elements of different types."})
			}
			return v
		}
	}
	if t.IsTupleType() {
		return cty.ListVal(v.AsValueSlice())
	}
	return cty.MapVal(v.AsValueMap())
}

// wrap makes an expression metered. Literals cost what the text cost already.
func (m *meter) wrap(e hclsyntax.Expression) hclsyntax.Expression {
	switch e.(type) {
	case nil:
		return nil
	case *hclsyntax.LiteralValueExpr, *metered:
		return e
	}
	return &metered{Expression: e, meter: m}
}

// install wraps the places inside an expression where values are copied.
func (m *meter) install(e hclsyntax.Expression) {
	hclsyntax.Walk(e, meterWalker{m})
}

type meterWalker struct{ meter *meter }

func (w meterWalker) Enter(hclsyntax.Node) hcl.Diagnostics { return nil }

func (w meterWalker) Exit(node hclsyntax.Node) hcl.Diagnostics {
	m := w.meter
	switch n := node.(type) {
	case *hclsyntax.TemplateExpr:
		for i := range n.Parts {
			n.Parts[i] = m.wrap(n.Parts[i])
		}
	case *hclsyntax.ForExpr:
		n.CollExpr, n.KeyExpr, n.ValExpr = m.wrap(n.CollExpr), m.wrap(n.KeyExpr), m.wrap(n.ValExpr)
		if n.CondExpr != nil {
			// Even a literal costs the time of a step, and no value may follow.
			n.CondExpr = &metered{Expression: n.CondExpr, meter: m}
		}
	case *hclsyntax.ConditionalExpr:
		n.Condition, n.TrueResult, n.FalseResult = m.wrap(n.Condition), m.wrap(n.TrueResult), m.wrap(n.FalseResult)
	case *hclsyntax.BinaryOpExpr:
		n.LHS, n.RHS = m.wrap(n.LHS), m.wrap(n.RHS)
	case *hclsyntax.UnaryOpExpr:
		n.Val = m.wrap(n.Val)
	case *hclsyntax.FunctionCallExpr:
		for i := range n.Args {
			n.Args[i] = m.wrap(n.Args[i])
		}
	case *hclsyntax.IndexExpr:
		n.Collection = m.wrap(n.Collection)
	case *hclsyntax.SplatExpr:
		n.Source = m.wrap(n.Source)
	}
	return nil
}
