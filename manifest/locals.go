package manifest

import (
	"fmt"
	"strings"
)

// readLocals evaluates the local values, each after those it refers to.
func (l *loader) readLocals(blocks []*node) {
	var order []string
	for _, b := range blocks {
		for _, a := range b.attrs {
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
		if v, ok := l.evalAny(n.attr.expr, l.functions); ok {
			n.value, n.state = v, stateReady
		}
	}
}

// localOrder sorts local values so that each comes after those it refers to.
func (l *loader) localOrder(names []string) []string {
	return ordered(names, l.localReferences, l.circle)
}

func (l *loader) localReferences(name string) []string {
	var names []string
	for _, other := range l.analyze(l.scope.locals[name].attr.expr).refersTo("local") {
		if _, ok := l.scope.locals[other]; ok {
			names = append(names, other)
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
