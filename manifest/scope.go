package manifest

import (
	"fmt"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/ext/typeexpr"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/convert"
)

// state says how far a named value is.
type state int

const (
	stateUnknown state = iota // there is none of that name
	stateBroken               // its problem was reported
	stateReady
)

// named is a variable or a local value.
type named struct {
	attr  *attribute // of a local
	at    hcl.Range
	value cty.Value
	state state
}

// scope holds what expressions refer to.
type scope struct {
	vars, locals map[string]*named
	// open: var and local can be used. They cannot in the default of a variable.
	open bool
}

func (s *scope) table(root string) map[string]*named {
	switch root {
	case "var":
		return s.vars
	case "local":
		return s.locals
	}
	return nil
}

func (s *scope) lookup(root, name string) (cty.Value, state) {
	if !s.open {
		return cty.DynamicVal, stateUnknown
	}
	n, ok := s.table(root)[name]
	if !ok {
		return cty.DynamicVal, stateUnknown
	}
	return n.value, n.state
}

func (s *scope) names(root string) []string {
	names := make([]string, 0, len(s.table(root)))
	for name := range s.table(root) {
		names = append(names, name)
	}
	return names
}

// known lists the values below a root.
func (s *scope) known(root string) string {
	if root == "var" {
		return list("The variables are", s.names(root))
	}
	return list("The local values are", s.names(root))
}

// help is for a name that is not there.
func (s *scope) help(root, name string) string {
	other := "local"
	if root == "local" {
		other = "var"
	}
	if _, ok := s.table(other)[name]; ok {
		return fmt.Sprintf("Did you mean %q?", other+"."+name)
	}
	if near := nearest(name, s.names(root)); near != "" {
		return fmt.Sprintf("Did you mean %q?", root+"."+near)
	}
	if known := s.known(root); known != "" {
		return known
	}
	if root == "var" {
		return fmt.Sprintf("The manifest declares no variable. Add one:\n\n    variable %q { default = \"...\" }", name)
	}
	return fmt.Sprintf("The manifest has no local values. Add one:\n\n    locals { %s = \"...\" }", name)
}

// helpRoot is for a reference that begins with something unknown.
func (s *scope) helpRoot(root string, bare bool) string {
	for _, table := range []string{"var", "local"} {
		if _, ok := s.table(table)[root]; ok {
			return fmt.Sprintf("Did you mean %q?", table+"."+root)
		}
	}
	roots := []string{"var", "local"}
	switch {
	case root == "locals" || root == "variable" || root == "vars" || root == "variables":
		return fmt.Sprintf("Did you mean %q?", nearestRoot(root))
	case nearest(root, roots) != "" && !bare:
		return fmt.Sprintf("Did you mean %q?", nearest(root, roots))
	case bare:
		return fmt.Sprintf("If it is text, put it in quotes: \"%s\". Values are referred to as var.NAME and local.NAME.", root)
	}
	return "Values are referred to as var.NAME and local.NAME."
}

func nearestRoot(root string) string {
	if strings.HasPrefix(root, "local") {
		return "local"
	}
	return "var"
}

// readVariables evaluates the variables' defaults.
func (l *loader) readVariables(blocks []*block) {
	first := map[string]*block{}
	for _, b := range blocks {
		name := b.labels[0].text
		c := l.check(b, variableBlock)
		if before, twice := first[name]; twice {
			l.twice("variable", name, b, before)
			continue
		}
		first[name] = b
		if !isReferable(name) {
			l.report(Diagnostic{
				Summary: fmt.Sprintf("The variable's name %q cannot be referred to", name),
				Detail:  "Use letters, digits and underscores, and begin with a letter, so that var.NAME works.",
			}, b.labels[0].at)
		}
		v := &named{at: b.header, state: stateBroken}
		l.scope.vars[name] = v
		want, defaults, typeOK := l.readType(c.attrs["type"])
		l.string(c.attrs["description"])
		v.value, v.state = l.readDefault(name, b, c.attrs["default"], want, defaults, typeOK)
	}
}

func isReferable(name string) bool {
	return isIdentifier(strings.ReplaceAll(name, "-", "_")) && name[0] != '-'
}

func (l *loader) readType(a *attribute) (cty.Type, *typeexpr.Defaults, bool) {
	if a == nil {
		return cty.DynamicPseudoType, nil, true
	}
	want, defaults, problems := typeexpr.TypeConstraintWithDefaults(typeExpression(a.expr))
	if !problems.HasErrors() {
		return want, defaults, true
	}
	at := a.place()
	detail := "Use string, number, bool, any, list(string), set(string), map(string), object({ name = string }) or tuple([string])."
	if problems[0].Subject != nil {
		at = *problems[0].Subject
		keyword := hcl.ExprAsKeyword(typeExpression(a.expr))
		if keyword == "" {
			keyword = strings.Trim(string(at.SliceBytes(l.source)), `"`)
		}
		if near := nearest(keyword, []string{"string", "number", "bool", "any", "list", "set", "map", "object", "tuple"}); near != "" {
			detail = fmt.Sprintf("Did you mean %q?", near)
		} else if known, ok := map[string]string{"int": "number", "integer": "number", "float": "number", "boolean": "bool", "str": "string", "text": "string", "array": "list(string)", "list": "list(string)", "map": "map(string)", "dict": "map(string)"}[keyword]; ok {
			detail = fmt.Sprintf("Did you mean %q?", known)
		}
	}
	l.report(Diagnostic{Summary: "Not a type", Detail: detail}, at)
	return cty.DynamicPseudoType, nil, false
}

func (l *loader) readDefault(name string, b *block, a *attribute, want cty.Type, defaults *typeexpr.Defaults, typeOK bool) (cty.Value, state) {
	if a == nil {
		l.reportMissing(Diagnostic{
			Summary: fmt.Sprintf("The variable %q has no value", name),
			Detail:  "Give it a default. Values from the command line and from environments come with a later version; env reads one from an environment variable now:\n\n    default = env(\"" + strings.ToUpper(name) + "\")",
		}, b.header)
		return cty.DynamicVal, stateBroken
	}
	l.scope.open = false
	v, ok := l.eval(a.expr, l.defaultFunctions)
	l.scope.open = true
	if !ok || !typeOK {
		return cty.DynamicVal, stateBroken
	}
	if defaults != nil && !v.IsNull() {
		v = defaults.Apply(v)
	}
	converted, err := convert.Convert(v, want)
	if err != nil {
		l.report(Diagnostic{
			Summary: fmt.Sprintf("The default of %q does not fit its type", name),
			Detail:  fmt.Sprintf("The type is %s, and the default is %s. %s", typeexpr.TypeString(want), describe(v), conversionProblem(err)),
		}, a.place())
		return cty.DynamicVal, stateBroken
	}
	return converted, stateReady
}

// readLocals evaluates the local values, each after those it refers to.
func (l *loader) readLocals(blocks []*block) {
	var order []string
	for _, b := range blocks {
		for _, a := range l.check(b, localsBlock).attributes() {
			if before, twice := l.scope.locals[a.name]; twice {
				l.report(Diagnostic{
					Summary: fmt.Sprintf("The local value %q is set twice", a.name),
					Detail:  "Remove one of the two.",
					Notes:   []Note{{"it is set here first", rangeOf(before.at)}},
				}, a.nameRange)
				continue
			}
			l.scope.locals[a.name] = &named{attr: a, at: a.nameRange, state: stateBroken}
			order = append(order, a.name)
		}
	}
	for _, name := range l.localOrder(order) {
		n := l.scope.locals[name]
		if v, ok := l.eval(n.attr.expr, l.functions); ok {
			n.value, n.state = v, stateReady
		}
	}
}

// attributes returns the attributes in the order of the file.
func (c *content) attributes() []*attribute {
	var list []*attribute
	for _, a := range c.block.attrs {
		if c.attrs[a.name] == a {
			list = append(list, a)
		}
	}
	return list
}

// localOrder sorts local values so that each comes after those it refers to.
// It reports those that refer to themselves; one of each circle comes before
// what it refers to, so that all of it stays broken. It does not recurse, since
// chains may be long.
func (l *loader) localOrder(names []string) []string {
	type visit struct {
		name string
		next []string
	}
	const (
		onPath = 1
		done   = 2
	)
	marks := map[string]int{}
	var order []string
	for _, start := range names {
		if marks[start] == done {
			continue
		}
		path := []visit{{start, l.localReferences(start)}}
		marks[start] = onPath
		for len(path) > 0 {
			top := &path[len(path)-1]
			if len(top.next) == 0 {
				marks[top.name] = done
				order = append(order, top.name)
				path = path[:len(path)-1]
				continue
			}
			name := top.next[0]
			top.next = top.next[1:]
			switch marks[name] {
			case 0:
				marks[name] = onPath
				path = append(path, visit{name, l.localReferences(name)})
			case onPath:
				var circle []string
				for _, v := range path {
					if len(circle) > 0 || v.name == name {
						circle = append(circle, v.name)
					}
				}
				l.circle(circle)
			}
		}
	}
	return order
}

func (l *loader) localReferences(name string) []string {
	var names []string
	for _, t := range l.scope.locals[name].attr.expr.Variables() {
		if t.RootName() != "local" {
			continue
		}
		if _, ok := l.scope.locals[stepName(t)]; ok {
			names = append(names, stepName(t))
		}
	}
	return names
}

func (l *loader) circle(names []string) {
	first := l.scope.locals[names[0]]
	shown := names
	if len(shown) > 6 {
		shown = append(append([]string(nil), names[:5]...), "...")
	}
	path := "local." + strings.Join(append(append([]string(nil), shown...), names[0]), " -> local.")
	path = strings.ReplaceAll(path, "local....", "...")
	l.report(Diagnostic{
		Summary: fmt.Sprintf("The local value %q refers to itself", names[0]),
		Detail:  fmt.Sprintf("It needs its own value first: %s. Break the circle at one of them.", path),
	}, first.at)
}
