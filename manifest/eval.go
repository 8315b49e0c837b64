package manifest

import (
	"errors"
	"fmt"
	"regexp"
	"sort"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/function"
)

// eval returns the value of an expression, which has to be known and must not
// be sensitive. It reports what is wrong and returns false; it also returns
// false, and says nothing, if the expression uses a value that is wrong itself
// and was reported there.
func (l *loader) eval(e hclsyntax.Expression, functions map[string]function.Function) (cty.Value, bool) {
	v, ok := l.evalAny(e, functions)
	switch {
	case !ok:
		return cty.DynamicVal, false
	case v.ContainsMarked():
		l.report(sensitiveHere, e.Range())
		return cty.DynamicVal, false
	case !v.IsWhollyKnown():
		l.notKnown(e)
		return cty.DynamicVal, false
	}
	return v, true
}

var sensitiveHere = Diagnostic{
	Summary: "A sensitive value cannot be used here",
	Detail:  "What stands here is part of a release, a plan or a name, which everybody can read. Sensitive values can only be used in the env of a service or a hook. For a password, a secret block is better still: its value is nowhere in the manifest.",
}

// evalAny is eval for values that may be sensitive, which carry a mark, and that
// may be known only after a deploy.
func (l *loader) evalAny(e hclsyntax.Expression, functions map[string]function.Function) (cty.Value, bool) {
	if lit, ok := e.(*hclsyntax.LiteralValueExpr); ok {
		// An unknown literal stands for text that was reported.
		return lit.Val, lit.Val.IsKnown()
	}
	if l.meter.exhausted() {
		// That was reported where it happened, unless a function such as try kept
		// it to itself.
		if !l.diags.HasErrors() {
			l.report(Diagnostic{Summary: "The manifest takes too long", Detail: "An expression before this one used up what all of them together may take."}, e.Range())
		}
		return cty.DynamicVal, false
	}
	known := l.analyze(e)
	variables, usable := l.references(known)
	usable = l.checkCalls(known, functions) && usable
	if !usable {
		return cty.DynamicVal, false
	}
	if !known.metered {
		known.metered = true
		l.meter.install(e)
	}
	ctx := &hcl.EvalContext{Functions: functions, Variables: variables}
	v, problems := l.run(e, ctx)
	for _, p := range problems {
		l.evalProblem(known, ctx, p)
	}
	return v, !problems.HasErrors()
}

// analysis is what an expression holds, found once.
type analysis struct {
	expr      hclsyntax.Expression
	variables []hcl.Traversal
	calls     []*hclsyntax.FunctionCallExpr
	// metered: the places where values are copied were wrapped.
	metered bool
}

func (l *loader) analyze(e hclsyntax.Expression) *analysis {
	if known, ok := l.analyses[e]; ok {
		return known
	}
	a := &analysis{expr: e, variables: e.Variables()}
	hclsyntax.VisitAll(e, func(node hclsyntax.Node) hcl.Diagnostics {
		if call, ok := node.(*hclsyntax.FunctionCallExpr); ok {
			a.calls = append(a.calls, call)
		}
		return nil
	})
	l.analyses[e] = a
	return a
}

// refersTo returns the names behind a root that the expression mentions.
func (a *analysis) refersTo(root string) []string {
	var names []string
	for _, t := range a.variables {
		if t.RootName() == root {
			names = append(names, stepName(t))
		}
	}
	return names
}

// notKnown reports a value that is known only after a deploy, where it has to be
// known before.
func (l *loader) notKnown(e hclsyntax.Expression) {
	if len(l.analyze(e).refersTo("service")) > 0 {
		l.report(Diagnostic{
			Summary: "The value is known only after the deploy",
			Detail:  "It uses what another service gets when it is deployed, and it has to be known before. Such values can be used in env.",
		}, e.Range())
		return
	}
	// What is not known was reported where it comes from, or is a variable
	// without a value while a manifest is only looked at. Otherwise an attribute
	// must not be lost in silence.
	if !l.lenient && !l.diags.HasErrors() {
		l.report(Diagnostic{Summary: internalError, Detail: "Its value is not known. This is a bug in twofold; please report it with this expression."}, e.Range())
	}
}

// run evaluates, and turns what is thrown on the way into a diagnostic.
func (l *loader) run(e hclsyntax.Expression, ctx *hcl.EvalContext) (v cty.Value, problems hcl.Diagnostics) {
	defer func() {
		thrown := recover()
		if thrown == nil {
			return
		}
		v = cty.DynamicVal
		at := e.Range()
		if limit, ok := thrown.(tooExpensive); ok {
			problems = hcl.Diagnostics{{Severity: hcl.DiagError, Summary: limit.summary, Detail: limit.detail, Subject: &limit.at}}
			return
		}
		problems = hcl.Diagnostics{{
			Severity: hcl.DiagError,
			Summary:  internalError,
			Detail:   fmt.Sprintf("This is a bug in twofold; please report it with this expression. Details: %v", thrown),
			Subject:  &at,
		}}
	}()
	v, problems = e.Value(ctx)
	for i, p := range problems {
		if inner := panicIn(p); inner != nil {
			problems[i] = inner
		}
	}
	l.meter.charge(v, e.Range())
	return v, problems
}

// panicIn returns what to report instead of a panic that a function call turned
// into an error of its own, or nil.
func panicIn(p *hcl.Diagnostic) *hcl.Diagnostic {
	call, ok := hcl.DiagnosticExtra[hclsyntax.FunctionCallDiagExtra](p)
	if !ok {
		return nil
	}
	var thrown function.PanicError
	if !errors.As(call.FunctionCallError(), &thrown) {
		return nil
	}
	if limit, ok := thrown.Value.(tooExpensive); ok {
		return &hcl.Diagnostic{Severity: hcl.DiagError, Summary: limit.summary, Detail: limit.detail, Subject: p.Context}
	}
	return &hcl.Diagnostic{
		Severity: hcl.DiagError, Summary: internalError, Subject: p.Context,
		Detail: fmt.Sprintf("This is a bug in twofold; please report it with this expression. Details: %v", thrown.Value),
	}
}

// internalError is the summary for a fault of the libraries below us.
const internalError = "The expression cannot be evaluated"

// evalWords says in the words of this project what HCL says in its own. An
// empty detail leaves HCL's.
var evalWords = []struct{ summary, newSummary, newDetail string }{
	{"Unsupported attribute", "There is no such attribute", ""},
	{"Missing map element", "There is no such element", ""},
	{"Invalid index", "There is no such element", ""},
	{"Attempt to index null value", "The value is null", ""},
	{"Attempt to get attribute from null value", "The value is null", ""},
	{"Invalid operand", "The operator does not fit the value", ""},
	{"Operation failed", "The operation failed", ""},
	{"Invalid template interpolation value", "The value does not fit into text", "It is a list or a map, or null. Turn it into text, for example with join(\", \", ...) or jsonencode(...)."},
	{"Error in function call", "The function failed", ""},
	{"Invalid function argument", "The argument does not fit the function", ""},
	{"Not enough function arguments", "An argument of the function is missing", ""},
	{"Too many function arguments", "An argument too many", ""},
	{"Inconsistent conditional result types", "The two results of the condition differ in type", ""},
	{"Incorrect condition type", "The condition is not true or false", "Compare with something, for example: var.mode == \"fast\" ? 1 : 2"},
	{"Null condition", "The condition is null", "It has to be true or false."},
	{"Iteration over null value", "The value is null", "A list or a map is wanted here."},
	{"Iteration over non-iterable value", "The value is neither a list nor a map", "Only lists, sets and maps have items that for can go through."},
	{"Duplicate object key", "The same key twice", ""},
}

// invalidArgument begins what a function says of one argument, which is underlined.
var invalidArgument = regexp.MustCompile(`^Invalid value for "[^"]*" parameter: (.)`)

var failedCall = regexp.MustCompile(`^Call to function "[^"]*" failed: (.)`)

// evalProblem reports a diagnostic of the evaluation.
func (l *loader) evalProblem(known *analysis, ctx *hcl.EvalContext, p *hcl.Diagnostic) {
	e := known.expr
	d := Diagnostic{Summary: p.Summary, Detail: p.Detail}
	for _, w := range evalWords {
		if w.summary == p.Summary {
			d.Summary = w.newSummary
			if w.newDetail != "" {
				d.Detail = w.newDetail
			}
			break
		}
	}
	d.Detail = failedCall.ReplaceAllStringFunc(d.Detail, func(s string) string { return strings.ToUpper(s[len(s)-1:]) })
	d.Detail = invalidArgument.ReplaceAllStringFunc(d.Detail, func(s string) string { return strings.ToUpper(s[len(s)-1:]) })
	for _, twice := range []string{"?.", ".."} {
		if text, ok := strings.CutSuffix(d.Detail, twice); ok {
			d.Detail = text + twice[:1] // HCL adds a full stop to what is a sentence.
		}
	}
	d.Detail = strings.NewReplacer(" 1 argument(s)", " 1 argument", "argument(s)", "arguments").Replace(d.Detail)
	at := e.Range()
	switch {
	case p.Subject == nil || p.Subject.Filename != at.Filename:
	case p.Summary == "Error in function call" && p.Context != nil:
		at = *p.Context
	default:
		at = *p.Subject
	}
	if p.Summary == "Unsupported attribute" || p.Summary == "Invalid index" || p.Summary == "Missing map element" {
		if help := l.missingStep(known, ctx, at); help != "" {
			d.Detail = help
		}
	}
	if !wordsWithoutValues[p.Summary] && (l.private || anySensitive(ctx)) {
		d.Detail = "What is wrong with it is not shown, since a sensitive value is part of it."
	}
	l.report(d, at)
}

func anySensitive(ctx *hcl.EvalContext) bool {
	for _, v := range ctx.Variables {
		if v.ContainsMarked() {
			return true
		}
	}
	return false
}

// wordsWithoutValues are the summaries of problems whose details hold no value.
var wordsWithoutValues = map[string]bool{
	tooLongToEvaluate: true, tooBigToEvaluate: true,
	"Unsupported attribute": true, "Not enough function arguments": true, "Too many function arguments": true,
	"Attempt to index null value": true, "Attempt to get attribute from null value": true,
}

// missingStep helps with the step of a reference, at the range, that does not
// exist: it names what does.
func (l *loader) missingStep(known *analysis, ctx *hcl.EvalContext, at hcl.Range) string {
	for _, t := range known.variables {
		for i, step := range t {
			if i < 2 || step.SourceRange() != at {
				continue
			}
			parent, problems := t[:i].TraverseAbs(ctx)
			if problems.HasErrors() || !parent.IsKnown() || parent.IsNull() {
				return ""
			}
			if parent.ContainsMarked() {
				return "The value before it is sensitive, so what it has inside is not shown."
			}
			var names []string
			switch kind := parent.Type(); {
			case kind.IsObjectType():
				for name := range kind.AttributeTypes() {
					names = append(names, name)
				}
			case kind.IsMapType():
				for name := range parent.AsValueMap() {
					names = append(names, name)
				}
			default:
				return fmt.Sprintf("It is %s, and has nothing inside.", describe(parent))
			}
			name := stepName(hcl.Traversal{t[0], step})
			if len(names) == 0 {
				return "The map is empty."
			}
			if label := stepName(t); t.RootName() == "service" && i == 2 && l.isGroup(label) && (name == "url" || name == "name") {
				sort.Strings(names)
				return fmt.Sprintf("for_each makes several services of %q. Name one of them: service.%s[%q].%s", label, label, names[0], name)
			}
			if t.RootName() == "target" || t.RootName() == "service" {
				return fmt.Sprintf("There is no %q. %s", t.RootName()+"."+stepName(t)+"."+name, didYouMean(name, names, "It has"))
			}
			return fmt.Sprintf("%q is not in the map. %s", name, didYouMean(name, names, "It has"))
		}
	}
	return ""
}

// references finds the values that an expression refers to. It reports names
// that do not exist, all of them.
func (l *loader) references(known *analysis) (map[string]cty.Value, bool) {
	if len(known.variables) == 0 {
		return nil, true
	}
	usable := true
	found := map[string]map[string]cty.Value{}
	for _, t := range known.variables {
		root, name := t.RootName(), stepName(t)
		v, state := l.lookup(root, name, t)
		switch state {
		case stateReady:
			if found[root] == nil {
				found[root] = map[string]cty.Value{}
			}
			found[root][name] = v
		case stateBroken:
			usable = false
		default:
			usable = false
			l.unknownReference(t, root, name)
		}
	}
	if !usable {
		return nil, false
	}
	values := make(map[string]cty.Value, len(found))
	for root, members := range found {
		values[root] = cty.ObjectVal(members)
	}
	return values, true
}

// stepName returns the name behind the root of a reference: log_level in
// var.log_level and in var["log_level"]. It is "" if there is none.
func stepName(t hcl.Traversal) string {
	if len(t) < 2 {
		return ""
	}
	return stepText(t[1])
}

func stepText(step hcl.Traverser) string {
	switch step := step.(type) {
	case hcl.TraverseAttr:
		return step.Name
	case hcl.TraverseIndex:
		text, _ := textOf(step.Key)
		return text
	}
	return ""
}

// foreignFunctionWords say why there is no such function.
var foreignFunctionWords = map[string]string{
	"timestamp": notRepeatable, "now": notRepeatable, "uuid": notRepeatable, "random": notRepeatable, "plantimestamp": notRepeatable,
	"sensitive":    "Whether a value is sensitive is said where it is declared: variable \"password\" { sensitive = true }",
	"nonsensitive": "What is made of a sensitive value is sensitive. Use it in env, or declare a variable that is not sensitive.",
}

const notRepeatable = "A manifest has the same values whenever it is read, so that the same release comes of it. Give the value by a variable."

// checkCalls reports calls of functions that do not exist, all of them.
func (l *loader) checkCalls(known *analysis, functions map[string]function.Function) bool {
	usable := true
	for _, call := range known.calls {
		if _, exists := functions[call.Name]; exists {
			continue
		}
		usable = false
		d := Diagnostic{Summary: fmt.Sprintf("There is no function %q", call.Name)}
		switch {
		case l.private:
			d = unshown
		case call.Name == "env":
			d.Summary = "env is for the default of a variable"
			d.Detail = "Declare a variable with default = env(\"NAME\") and use var.NAME here, so that each input of the manifest stands in one place."
		default:
			d.Detail = didYouMean(call.Name, functionNames(functions), "The functions are")
			if words := foreignFunctionWords[call.Name]; words != "" {
				d.Detail = words
			} else if better, ok := foreignFunctions[strings.ToLower(call.Name)]; ok {
				d.Detail = fmt.Sprintf("Did you mean %q?", better)
			}
		}
		l.report(d, call.NameRange)
	}
	return usable
}
