package manifest

import (
	"fmt"
	"path/filepath"
	"sort"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/ext/typeexpr"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
)

// readGiven reads the values of variables that come from outside of the manifest.
func (l *loader) readGiven(o Options) {
	for _, path := range o.VariableFiles {
		l.readVariableFile(path)
	}
	for _, text := range o.Variables {
		name, value, ok := strings.Cut(text, "=")
		name = strings.TrimSpace(name)
		if !ok {
			l.reportGiven("A variable without a value", fmt.Sprintf("Write --var %s=VALUE.", name), given{origin: "--var " + name})
			continue
		}
		if name == "" {
			l.reportGiven("A value without a variable", "Write --var NAME=VALUE.", given{origin: "--var"})
			continue
		}
		l.give(name, given{text: value, origin: "--var " + name})
	}
	l.warnStrangeVariables(o)
}

// give notes a value. Later ones win.
func (l *loader) give(name string, g given) {
	if _, known := l.declaredByName[name]; !known {
		d := Diagnostic{Summary: fmt.Sprintf("There is no variable %q", name), Detail: l.helpVariable(name), origin: g.origin, needsWhole: true}
		at := hcl.Range{}
		if g.attr != nil {
			at, d.origin = g.attr.nameRange, ""
		}
		l.report(d, at)
		return
	}
	l.given[name] = g
}

// warnStrangeVariables speaks of environment variables that look like values and
// belong to no variable, as a typing error does.
func (l *loader) warnStrangeVariables(o Options) {
	var strange []string
	for _, name := range l.environ() {
		if name, ok := strings.CutPrefix(name, variablePrefix); ok && l.declaredByName[name] == nil {
			strange = append(strange, name)
		}
	}
	sort.Strings(strange)
	for _, name := range strange {
		if near := nearest(name, keysOf(l.declaredByName)); near != "" {
			l.warn(Diagnostic{
				Summary: fmt.Sprintf("There is no variable %q", name),
				Detail:  fmt.Sprintf("The environment variable %s%s has no effect. Did you mean %s%s?", variablePrefix, name, variablePrefix, near),
				origin:  variablePrefix + name,
			}, hcl.Range{})
		}
	}
}

// readVariableFile reads a file of values: attributes in the native or the JSON
// syntax. Its lines are not shown, since some are passwords and a line that
// cannot be read does not say which.
func (l *loader) readVariableFile(path string) {
	abs, err := filepath.Abs(path)
	if err != nil {
		abs = path
	}
	shown := shownAs(abs)
	src, problem := read(abs, shown)
	if problem != nil {
		problem.Detail = strings.Replace(problem.Detail, "--manifest FILE", "--var-file FILE", 1)
		problem.Detail, _, _ = strings.Cut(problem.Detail, ", or create it")
		l.report(Diagnostic{Summary: "The file of values cannot be read", Detail: strings.TrimSuffix(problem.Detail, ".") + ".", origin: shown}, hcl.Range{})
		return
	}
	l.diags.hideFile(shown)
	tree := l.parseValues(src, shown)
	if tree == nil {
		return
	}
	l.diags.sources[shown] = src
	for _, b := range tree.blocks {
		l.report(Diagnostic{Summary: fmt.Sprintf("A block %q in a file of values", b.name), Detail: "It holds lines NAME = VALUE, one for each variable, and no blocks."}, b.header)
	}
	for _, a := range tree.attrs {
		l.give(a.name, given{attr: a, origin: shown})
	}
}

func (l *loader) parseValues(src []byte, shown string) *block {
	own := newDiagnostics(source{shown, src})
	p := parseAs(src, shown, isJSONName(shown), &localsFile, own)
	own.hideFile(shown)
	for i := range own.list {
		d := &own.list[i]
		d.Summary = strings.NewReplacer("The manifest", "The file of values").Replace(d.Summary)
		d.Detail = strings.NewReplacer("A manifest is text", "It is text", " Is it a manifest at all?", "", "blocks and attributes of the manifest", "values").Replace(d.Detail)
		if d.order == orderSyntax && !plainSyntaxWords(d.Detail) {
			d.Detail = "What is wrong is not shown, since it may be a password. A line is NAME = VALUE, and text stands in double quotes."
			if isJSONName(shown) {
				d.Detail = "What is wrong is not shown, since it may be a password. The file is a JSON object with a member for each variable."
			}
		}
	}
	l.diags.Append(own)
	if p == nil {
		return nil
	}
	return p.root
}

// localsFile is what a file of values takes.
var localsFile = blockType{doc: "Values of variables.", anyAttribute: true}

// typedText reads the text of a value whose type is a list, a map or the like, as
// an expression.
func (l *loader) typedText(d *declaration, g given) (cty.Value, bool) {
	wrong := func(detail string) (cty.Value, bool) {
		if d.sensitive {
			detail = "It cannot be read as an expression."
		}
		l.reportGiven(fmt.Sprintf("The value of %q does not fit its type", d.name), detail+" Write it as in the manifest, for example: '[\"a\", \"b\"]' or '{ key = \"value\" }'", g)
		return cty.DynamicVal, false
	}
	src := []byte(g.text)
	if guardText(src, "") != nil {
		return wrong("It is no text.")
	}
	tokens, _ := hclsyntax.LexExpression(src, "", hcl.InitialPos)
	if guardTokens(tokens) != nil {
		return wrong("It nests too deep.")
	}
	expr, problems := hclsyntax.ParseExpression(src, "", hcl.InitialPos)
	if problems.HasErrors() {
		return wrong(fmt.Sprintf("The type is %s, and this cannot be read as one.", typeexpr.TypeString(d.want)))
	}
	if len(expr.Variables()) > 0 {
		return wrong("It refers to another value.")
	}
	l.meter.install(expr)
	v, problems := l.run(expr, &hcl.EvalContext{})
	if problems.HasErrors() {
		return wrong("It calls a function, or its parts do not fit together.")
	}
	return v, true
}

// pair is one entry of a map that is written out. The name is "" where an
// expression makes it.
type pair struct {
	name  string
	keyAt hcl.Range
	expr  hclsyntax.Expression
}

func writtenPairs(e hclsyntax.Expression) ([]pair, bool) {
	object, ok := e.(*hclsyntax.ObjectConsExpr)
	if !ok {
		return nil, false
	}
	var pairs []pair
	for _, item := range object.Items {
		name := hcl.ExprAsKeyword(item.KeyExpr)
		if name == "" {
			name = literalText(item.KeyExpr)
		}
		pairs = append(pairs, pair{name, item.KeyExpr.Range(), item.ValueExpr})
	}
	return pairs, true
}
