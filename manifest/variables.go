package manifest

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/ext/typeexpr"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/convert"
)

// sensitiveMark is on the values of sensitive variables, and on all that is made
// of them.
const sensitiveMark = sensitivity("sensitive")

type sensitivity string

// declaration is a variable block.
type declaration struct {
	name      string
	node      *node
	want      cty.Type
	defaults  *typeexpr.Defaults
	typeOK    bool
	sensitive bool
	// written is what gives the variable its value in the environment that is
	// evaluated, or nil if that stands in no file.
	written *attribute
}

// given is a value for a variable, and where it comes from.
type given struct {
	// text is the value as a person typed it, and expr is nil; or expr is it.
	text string
	attr *attribute
	// origin is the place in words, such as "--var log_level".
	origin string
}

// declareVariables reads what the variable blocks say but for their values, which
// differ between environments.
func (l *loader) declareVariables(nodes []*node) {
	for _, n := range nodes {
		d := &declaration{name: n.label(0), node: n}
		if !isReferable(d.name) {
			l.report(Diagnostic{
				Summary: fmt.Sprintf("The variable's name %q cannot be referred to", d.name),
				Detail:  "Use letters, digits and underscores, and begin with a letter, so that var.NAME works.",
			}, n.block.labels[0].at)
		}
		d.want, d.defaults, d.typeOK = l.readType(n.attr("type"))
		l.input = inputSetting
		l.string(n.attr("description"))
		l.bool(n.attr("sensitive"))
		l.input = ""
		d.sensitive = isSensitive(n.block)
		l.declared = append(l.declared, d)
		l.declaredByName[d.name] = d
	}
}

func isReferable(name string) bool {
	return isIdentifier(strings.ReplaceAll(name, "-", "_")) && name[0] != '-'
}

// readVariables gives each variable its value: from the command line, a file of
// values, TWOFOLD_VAR_name, the environment block or its default, in this order.
func (l *loader) readVariables(environment *node) {
	fromEnvironment := l.environmentVariables(environment)
	for _, d := range l.declared {
		d.written = nil
		v := &named{at: d.node.block.header, state: stateBroken, value: cty.DynamicVal}
		l.scope.vars[d.name] = v
		if g, ok := l.given[d.name]; ok {
			v.value, v.state = l.givenValue(d, g)
		} else if text, ok := l.lookupEnv(variablePrefix + d.name); ok {
			v.value, v.state = l.givenValue(d, given{text: text, origin: variablePrefix + d.name})
		} else if a, ok := fromEnvironment[d.name]; ok {
			d.written = a
			v.value, v.state = l.writtenValue(d, a, "value")
		} else if a := d.node.attr("default"); a != nil {
			d.written = a
			v.value, v.state = l.writtenValue(d, a, "default")
		} else {
			v.value, v.state = l.noValue(d)
		}
		if d.sensitive && v.state == stateReady {
			v.value = v.value.Mark(sensitiveMark)
		}
	}
}

// variablePrefix begins the environment variables that give variables a value.
const variablePrefix = "TWOFOLD_VAR_"

// environmentVariables returns the values that an environment block gives.
func (l *loader) environmentVariables(n *node) map[string]*attribute {
	if n == nil || n.attr("variables") == nil {
		return nil
	}
	a := n.attr("variables")
	pairs, ok := writtenPairs(a.expr)
	if !ok {
		l.report(Diagnostic{
			Summary: "The variables have to be written out",
			Detail:  "Write a map, so that each value has its line: variables = { log_level = \"warn\" }",
		}, a.place())
		return nil
	}
	values := map[string]*attribute{}
	for _, p := range pairs {
		if p.name == "" {
			l.report(Diagnostic{Summary: "The key is not the name of a variable", Detail: "Write the name as it is, without an expression."}, p.keyAt)
			continue
		}
		if _, known := l.declaredByName[p.name]; !known {
			l.report(Diagnostic{
				Summary:    fmt.Sprintf("There is no variable %q", p.name),
				Detail:     l.helpVariable(p.name),
				needsWhole: true,
			}, p.keyAt)
			continue
		}
		if before, twice := values[p.name]; twice {
			l.report(Diagnostic{
				Summary: fmt.Sprintf("%q is set twice", p.name),
				Detail:  "Remove one of the two.",
				Notes:   []Note{{"it is set here first", rangeOf(before.nameRange)}},
			}, p.keyAt)
			continue
		}
		values[p.name] = &attribute{name: p.name, nameRange: p.keyAt, expr: p.expr}
	}
	return values
}

func (l *loader) helpVariable(name string) string {
	if len(l.declaredByName) > many {
		return tooManyToList
	}
	names := keysOf(l.declaredByName)
	if len(names) == 0 {
		return fmt.Sprintf("The manifest declares no variable. Add one:\n\n    variable %q { type = string }", name)
	}
	return didYouMean(name, names, "The variables are")
}

// noValue is for a variable that nothing gives a value.
func (l *loader) noValue(d *declaration) (cty.Value, state) {
	if d.node.mentions("default") {
		return cty.DynamicVal, stateBroken
	}
	if l.lenient {
		return cty.UnknownVal(d.want.WithoutOptionalAttributesDeep()), stateReady
	}
	l.reportMissing(Diagnostic{
		Summary: fmt.Sprintf("The variable %q has no value", d.name),
		Detail: fmt.Sprintf("Give it one with --var %[1]s=..., with a line %[1]s = ... in a file for --var-file, with the environment variable %[2]s%[1]s, in the variables of an environment block, or with a default.",
			d.name, variablePrefix),
	}, d.node.block.header)
	return cty.DynamicVal, stateBroken
}

// writtenValue evaluates a value that the manifest or a file of values writes.
func (l *loader) writtenValue(d *declaration, a *attribute, what string) (cty.Value, state) {
	l.scope.open, l.private, l.input = false, d.sensitive, "The "+what+" of a variable"
	v, ok := l.evalAny(a.expr, l.inputFunctions)
	l.scope.open, l.private, l.input = true, false, ""
	if !ok || !d.typeOK {
		return cty.DynamicVal, stateBroken
	}
	if v, ok = l.uniform(v, a.place()); !ok {
		return cty.DynamicVal, stateBroken
	}
	converted, problem := d.convert(v)
	if problem != "" {
		l.report(Diagnostic{
			Summary: fmt.Sprintf("The %s of %q does not fit its type", what, d.name),
			Detail:  problem,
		}, a.place())
		return cty.DynamicVal, stateBroken
	}
	return converted, stateReady
}

// uniform is that of the meter, for a value that is converted outside of an
// expression.
func (l *loader) uniform(v cty.Value, at hcl.Range) (result cty.Value, ok bool) {
	defer func() {
		if limit, thrown := recover().(tooExpensive); thrown {
			l.report(Diagnostic{Summary: limit.summary, Detail: limit.detail}, at)
			result, ok = cty.DynamicVal, false
		}
	}()
	return l.meter.uniform(v, at), true
}

// givenValue reads a value from outside of the manifest.
func (l *loader) givenValue(d *declaration, g given) (cty.Value, state) {
	if g.attr != nil {
		return l.writtenValue(d, g.attr, "value")
	}
	if !d.typeOK {
		return cty.DynamicVal, stateBroken
	}
	if !utf8.ValidString(g.text) {
		l.reportGiven(fmt.Sprintf("The value of %q is not UTF-8", d.name), "Values are text in UTF-8. Encode others, for example with base64.", g)
		return cty.DynamicVal, stateBroken
	}
	v := cty.StringVal(g.text)
	if !d.want.IsPrimitiveType() && d.want != cty.DynamicPseudoType {
		var ok bool
		if v, ok = l.typedText(d, g); !ok {
			return cty.DynamicVal, stateBroken
		}
	}
	converted, problem := d.convert(v)
	if problem != "" {
		l.reportGiven(fmt.Sprintf("The value of %q does not fit its type", d.name), problem, g)
		return cty.DynamicVal, stateBroken
	}
	return converted, stateReady
}

// convert turns a value into the variable's type. problem says why it cannot.
func (d *declaration) convert(v cty.Value) (converted cty.Value, problem string) {
	if d.defaults != nil && v.IsKnown() && !v.IsNull() {
		v = d.defaults.Apply(v)
	}
	converted, err := convert.Convert(v, d.want)
	if err == nil {
		return converted, ""
	}
	if d.sensitive {
		return cty.DynamicVal, fmt.Sprintf("The type is %s, and this is something else.", typeexpr.TypeString(d.want))
	}
	return cty.DynamicVal, fmt.Sprintf("The type is %s, and this is %s. %s", typeexpr.TypeString(d.want), describe(v), conversionProblem(err))
}

// reportGiven reports a problem with a value that has no line in the manifest.
func (l *loader) reportGiven(summary, detail string, g given) {
	l.report(Diagnostic{Summary: summary, Detail: detail, origin: g.origin}, hcl.Range{})
}

// checkVariables evaluates the validation blocks, when all names have a value.
func (l *loader) checkVariables() {
	for _, d := range l.declared {
		if l.scope.vars[d.name].state != stateReady {
			continue
		}
		for _, n := range d.node.all("validation") {
			l.checkVariable(d, n)
		}
	}
}

func (l *loader) checkVariable(d *declaration, n *node) {
	condition, message := n.attr("condition"), n.attr("error_message")
	if condition == nil || message == nil {
		return
	}
	if !contains(l.analyze(condition.expr).refersTo("var"), d.name) {
		l.report(Diagnostic{
			Summary: fmt.Sprintf("The condition does not look at %q", d.name),
			Detail:  fmt.Sprintf("It has to use var.%s, or it says nothing about it.", d.name),
		}, condition.place())
		return
	}
	v, ok := l.evalAny(condition.expr, l.functions)
	if !ok {
		return
	}
	result, _ := v.Unmark()
	if !result.IsKnown() {
		return
	}
	allowed, err := convert.Convert(result, cty.Bool)
	if err != nil || allowed.IsNull() {
		l.report(Diagnostic{
			Summary: "The condition is not true or false",
			Detail:  fmt.Sprintf("It is %s. Compare with something, for example: var.%s != \"\"", describe(v), d.name),
		}, condition.place())
		return
	}
	if allowed.True() {
		return
	}
	text, ok := l.string(message)
	if !ok {
		text = "The condition is false for it."
	}
	diag := Diagnostic{
		Summary: fmt.Sprintf("The value of %q is not allowed", d.name),
		Detail:  strings.TrimSpace(text + l.whereFrom(d)),
	}
	if d.written != nil {
		diag.Notes = []Note{{"the value is written here", rangeOf(d.written.place())}}
		if d.sensitive {
			diag.Notes[0].Message = "the value is written here, and not shown"
		}
	}
	l.report(diag, condition.place())
}

// whereFrom says where the value of a variable comes from, if the manifest does
// not show it.
func (l *loader) whereFrom(d *declaration) string {
	if g, ok := l.given[d.name]; ok {
		d.written = g.attr
		return " The value comes from " + g.origin + "."
	}
	if _, ok := l.lookupEnv(variablePrefix + d.name); ok {
		return " The value comes from the environment variable " + variablePrefix + d.name + "."
	}
	return ""
}
