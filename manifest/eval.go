package manifest

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/function"
)

// eval returns the value of an expression. It reports what is wrong and
// returns false; it also returns false, and says nothing, if the expression
// uses a value that is wrong itself and was reported there.
func (l *loader) eval(e hclsyntax.Expression, functions map[string]function.Function) (cty.Value, bool) {
	if lit, ok := e.(*hclsyntax.LiteralValueExpr); ok {
		return l.finish(e, nil, lit.Val, nil)
	}
	if l.meter.exhausted() {
		return cty.DynamicVal, false // That was reported where it happened.
	}
	ctx := &hcl.EvalContext{Functions: functions}
	variables, usable := l.references(e)
	usable = l.checkCalls(e, functions) && usable
	if !usable {
		return cty.DynamicVal, false
	}
	ctx.Variables = variables
	l.meter.install(e)
	v, problems := l.run(e, ctx)
	return l.finish(e, ctx, v, problems)
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
	l.meter.charge(v, e.Range())
	return v, problems
}

// internalError is the summary for a fault of the libraries below us.
const internalError = "The expression cannot be evaluated"

func (l *loader) finish(e hclsyntax.Expression, ctx *hcl.EvalContext, v cty.Value, problems hcl.Diagnostics) (cty.Value, bool) {
	for _, p := range problems {
		l.evalProblem(e, ctx, p)
	}
	if problems.HasErrors() {
		return cty.DynamicVal, false
	}
	if v.IsWhollyKnown() {
		return v, true
	}
	// What is not known was reported where it comes from. If it was not, an
	// attribute must not be lost in silence.
	if !l.diags.HasErrors() {
		l.report(Diagnostic{Summary: internalError, Detail: "Its value is not known. This is a bug in twofold; please report it with this expression."}, e.Range())
	}
	return cty.DynamicVal, false
}

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

var failedCall = regexp.MustCompile(`^Call to function "[^"]*" failed: (.)`)

// evalProblem reports a diagnostic of the evaluation.
func (l *loader) evalProblem(e hclsyntax.Expression, ctx *hcl.EvalContext, p *hcl.Diagnostic) {
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
		if help := missingStep(e, ctx, at); help != "" {
			d.Detail = help
		}
	}
	l.report(d, at)
}

// missingStep helps with the step of a reference, at the range, that does not
// exist: it names what does.
func missingStep(e hclsyntax.Expression, ctx *hcl.EvalContext, at hcl.Range) string {
	for _, t := range e.Variables() {
		for i, step := range t {
			if i < 2 || step.SourceRange() != at {
				continue
			}
			parent, problems := t[:i].TraverseAbs(ctx)
			if problems.HasErrors() || parent.IsNull() || !parent.IsKnown() {
				return ""
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
			return fmt.Sprintf("%q is not in the map. %s", name, didYouMean(name, names, "It has"))
		}
	}
	return ""
}

// references finds the values that an expression refers to. It reports names
// that do not exist, all of them.
func (l *loader) references(e hclsyntax.Expression) (map[string]cty.Value, bool) {
	traversals := e.Variables()
	if len(traversals) == 0 {
		return nil, true
	}
	usable := true
	found := map[string]map[string]cty.Value{}
	for _, t := range traversals {
		root, name := t.RootName(), stepName(t)
		v, state := l.scope.lookup(root, name)
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
	switch step := t[1].(type) {
	case hcl.TraverseAttr:
		return step.Name
	case hcl.TraverseIndex:
		if step.Key.Type() == cty.String && step.Key.IsKnown() && !step.Key.IsNull() {
			return step.Key.AsString()
		}
	}
	return ""
}

// laterRoots are what expressions refer to in a later version.
var laterRoots = map[string]string{
	"git": "facts about the git commit", "service": "references to other services", "target": "targets", "each": "generated services",
}

func (l *loader) unknownReference(t hcl.Traversal, root, name string) {
	d := Diagnostic{needsWhole: true}
	at := t[0].SourceRange()
	if len(t) > 1 {
		at = hcl.RangeBetween(at, t[1].SourceRange())
	}
	_, later := laterRoots[root]
	switch {
	case !l.scope.open:
		d.Summary = "A default refers to another value"
		d.Detail = "The default of a variable can only use functions, such as env(\"NAME\"). Put the expression into a locals block and use local.NAME instead."
	case root == "var" && name == "", root == "local" && name == "":
		d.Summary = fmt.Sprintf("%q needs a name", root)
		d.Detail = fmt.Sprintf("Write %s.NAME. %s", root, l.scope.known(root))
	case root == "var":
		d.Summary = fmt.Sprintf("There is no variable %q", name)
		d.Detail = l.scope.help(root, name)
	case root == "local":
		d.Summary = fmt.Sprintf("There is no local value %q", name)
		d.Detail = l.scope.help(root, name)
	case later:
		d.Summary = fmt.Sprintf("%q is not supported yet in this version", root)
		d.Detail = fmt.Sprintf("The language has %s, and a later version of twofold reads them.", laterRoots[root])
	default:
		d.Summary = fmt.Sprintf("Unknown name %q", root)
		d.Detail = l.scope.helpRoot(root, len(t) == 1)
		at = t[0].SourceRange()
	}
	l.report(d, at)
}

// checkCalls reports calls of functions that do not exist, all of them.
func (l *loader) checkCalls(e hclsyntax.Expression, functions map[string]function.Function) bool {
	usable := true
	hclsyntax.VisitAll(e, func(node hclsyntax.Node) hcl.Diagnostics {
		call, ok := node.(*hclsyntax.FunctionCallExpr)
		if !ok {
			return nil
		}
		if _, known := functions[call.Name]; known {
			return nil
		}
		usable = false
		d := Diagnostic{Summary: fmt.Sprintf("There is no function %q", call.Name)}
		later, isLater := laterFunctions[call.Name]
		switch {
		case call.Name == "env":
			d.Summary = "env is for the default of a variable"
			d.Detail = "Declare a variable with default = env(\"NAME\") and use var.NAME here, so that each input of the manifest stands in one place."
		case isLater:
			d.Summary = fmt.Sprintf("The function %q is not supported yet in this version", call.Name)
			d.Detail = fmt.Sprintf("The language has %s, and a later version of twofold reads them.", later)
		default:
			d.Detail = didYouMean(call.Name, functionNames(functions), "The functions are")
			if known, ok := foreignFunctions[strings.ToLower(call.Name)]; ok {
				d.Detail = fmt.Sprintf("Did you mean %q?", known)
			}
		}
		l.report(d, call.NameRange)
		return nil
	})
	return usable
}
