package manifest

import (
	"fmt"
	"sort"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
)

// dependsOn reads the services that are deployed before another one: references
// such as service.db, or names.
func (l *loader) dependsOn(a *attribute, i *instance) []string {
	if a == nil {
		return nil
	}
	items := []hclsyntax.Expression{a.expr}
	if tuple, ok := a.expr.(*hclsyntax.TupleConsExpr); ok {
		items = tuple.Exprs
	} else if isNullLiteral(a) {
		return nil
	} else if !l.isComputedList(a) {
		return nil
	}
	var names nameSet
	for _, item := range items {
		for _, name := range l.dependency(item) {
			if name == i.name {
				l.report(Diagnostic{Summary: fmt.Sprintf("The service %q depends on itself", name), Detail: "Remove it from the list."}, item.Range())
			} else {
				names.add(name)
			}
		}
	}
	l.spend(len(names.list), a.place())
	return names.list
}

// isComputedList reports whether an expression that is no written list makes one,
// and reports one that does not.
func (l *loader) isComputedList(a *attribute) bool {
	v, ok := l.evalAny(a.expr, l.functions)
	if !ok || v.IsNull() {
		return false
	}
	if t := v.Type(); t.IsTupleType() || t.IsListType() || t.IsSetType() {
		return true
	}
	l.report(Diagnostic{
		Summary: "\"depends_on\" has to be a list of services",
		Detail:  "Write the services into brackets: depends_on = [service.db]",
	}, a.place())
	return false
}

// spend pays for what grows faster than the text, as lists of services do for
// each of many services. It reports what is too much, once.
func (l *loader) spend(names int, at hcl.Range) {
	if l.meter.exhausted() {
		return
	}
	if l.meter.spent += names * valueCost; l.meter.exhausted() {
		l.report(Diagnostic{Summary: tooBigToEvaluate, Detail: "Too many services refer to too many others here. Name the ones that are needed, and not all that for_each makes."}, at)
	}
}

// dependency returns the services that one item of depends_on names.
func (l *loader) dependency(item hclsyntax.Expression) []string {
	if l.meter.exhausted() {
		return nil
	}
	v, ok := l.evalAny(item, l.functions)
	switch {
	case !ok:
		return nil
	case v.ContainsMarked():
		l.report(sensitiveHere, item.Range())
		return nil
	case !v.IsWhollyKnown():
		// What is not known of a service, it has when it is deployed.
		return l.servicesIn(item)
	case v.CanIterateElements() && !v.Type().IsMapType() && !v.Type().IsObjectType():
		var names []string
		for it := v.ElementIterator(); it.Next(); {
			_, element := it.Element()
			names = append(names, l.named(element, item)...)
		}
		return names
	}
	return l.named(v, item)
}

// named returns the services of a name: a service's, or that of a block.
func (l *loader) named(v cty.Value, item hclsyntax.Expression) []string {
	text, isText := textOf(v)
	name := strings.TrimPrefix(text, "service.")
	switch {
	case !isText:
		l.report(Diagnostic{
			Summary: "\"depends_on\" has to be a list of services",
			Detail:  fmt.Sprintf("This item is %s. Write it as service.NAME.", describe(v)),
		}, item.Range())
	case len(l.scope.byLabel[name]) > 0:
		return l.scope.byLabel[name]
	case l.scope.byName[name]:
		return []string{name}
	case !l.mayBeLost(name):
		l.report(Diagnostic{Summary: fmt.Sprintf("There is no service %q", name), Detail: didYouMean(name, keysOf(l.scope.byName), "The services are")}, item.Range())
	}
	return nil
}

// servicesIn returns the services that an expression refers to.
func (l *loader) servicesIn(e hclsyntax.Expression) []string {
	var names nameSet
	for _, t := range l.analyze(e).variables {
		if t.RootName() != "service" {
			continue
		}
		label := stepName(t)
		found := l.scope.byLabel[label]
		if len(t) > 2 && len(found) > 0 && l.isGroup(label) {
			if one := label + "-" + stepText(t[2]); l.scope.byName[one] {
				found = []string{one}
			}
		}
		for _, name := range found {
			names.add(name)
		}
	}
	return names.list
}

// nameSet is a list of names without one twice, in the order of adding.
type nameSet struct {
	list []string
	seen map[string]bool
}

func (s *nameSet) add(name string) {
	switch {
	case s.seen == nil && len(s.list) < few:
		if contains(s.list, name) {
			return
		}
	case s.seen == nil:
		s.seen = make(map[string]bool, 2*len(s.list))
		for _, known := range s.list {
			s.seen[known] = true
		}
		fallthrough
	default:
		if s.seen[name] {
			return
		}
		s.seen[name] = true
	}
	s.list = append(s.list, name)
}

// isGroup reports whether for_each makes the services of a label.
func (l *loader) isGroup(label string) bool {
	names := l.scope.byLabel[label]
	return len(names) > 0 && names[0] != label
}

// orderServices returns the services so that each comes after those it needs, and
// otherwise in the order of the text.
func (l *loader) orderServices(services []*Service, instances []*instance) []*Service {
	needs := make(map[string][]string, len(services))
	byName := make(map[string]*Service, len(services))
	places := make(map[string]*instance, len(services))
	names := make([]string, 0, len(services))
	for i, s := range services {
		unknown := keysOf(s.Unknown)
		sort.Strings(unknown)
		var all nameSet
		for _, name := range unknown {
			for _, waits := range s.Unknown[name] {
				all.add(waits)
			}
		}
		for _, name := range s.DependsOn {
			all.add(name)
		}
		s.Needs = all.list
		needs[s.Name], byName[s.Name], places[s.Name] = s.Needs, s, instances[i]
		names = append(names, s.Name)
	}
	circles := 0
	order := ordered(names, func(name string) []string { return needs[name] }, func(circle []string) {
		if circles++; circles > fewCircles {
			return
		}
		shown := circle
		if len(shown) > 6 {
			shown = append(append([]string(nil), circle[:5]...), "...")
		}
		at := l.placeOfNeed(byName[circle[0]], places[circle[0]].node, circle[1%len(circle)])
		l.report(Diagnostic{
			Summary: fmt.Sprintf("The service %q needs itself", circle[0]),
			Detail: fmt.Sprintf("No service of the circle %s can be deployed first. Break it: remove one from depends_on, or one reference to another service's URL from env.",
				strings.Join(append(append([]string(nil), shown...), circle[0]), " -> ")),
		}, at)
	})
	sorted := make([]*Service, 0, len(services))
	for _, name := range order {
		sorted = append(sorted, byName[name])
	}
	return sorted
}

// fewCircles is how many circles of services are reported: groups of services make
// very many of one mistake.
const fewCircles = 20

// placeOfNeed returns where the block of a service says that it needs another one.
func (l *loader) placeOfNeed(s *Service, n *node, needed string) hcl.Range {
	a := n.attr("depends_on")
	if a != nil && contains(s.DependsOn, needed) {
		if tuple, ok := a.expr.(*hclsyntax.TupleConsExpr); ok {
			for _, item := range tuple.Exprs {
				if text := literalText(item); text == needed || contains(l.servicesIn(item), needed) {
					return item.Range()
				}
			}
		}
		return a.place()
	}
	names := keysOf(s.Unknown)
	sort.Strings(names)
	for _, name := range names {
		if contains(s.Unknown[name], needed) {
			return n.find("env." + name)
		}
	}
	return n.block.header
}

// Order returns the services so that each comes after those it needs, and
// otherwise in the order of the manifest.
func (m *Manifest) Order() []*Service { return m.order }

// Resolve returns a service once more, when the URLs of services are known that it
// refers to: by the service's name. What stays unknown is in Unknown still. It
// must not be called twice at a time for one manifest.
func (m *Manifest) Resolve(name string, urls map[string]string) (*Service, *Diagnostics) {
	l := m.loader
	l.diags = l.diags.empty()
	l.meter.reset(nil)
	l.scope = m.scope
	groups := map[string]map[string]cty.Value{}
	services := make(map[string]cty.Value, len(m.instances))
	var wanted *instance
	for _, i := range m.instances {
		if i.name == name {
			wanted = i
		}
		url := cty.UnknownVal(cty.String).RefineNotNull()
		if known, ok := urls[i.name]; ok {
			url = cty.StringVal(known)
		}
		if i.each == nil {
			services[i.label] = describeService(i.name, url)
			continue
		}
		if groups[i.label] == nil {
			groups[i.label] = map[string]cty.Value{}
		}
		groups[i.label][i.key] = describeService(i.name, url)
	}
	for label, members := range groups {
		services[label] = cty.ObjectVal(members)
	}
	l.scope.services = services
	if wanted == nil {
		_, err := m.Service(name)
		l.report(Diagnostic{Summary: "The service cannot be resolved", Detail: sentence(err.Error())}, noRange)
		return nil, l.diags
	}
	s := l.service(wanted)
	known, err := m.Service(name)
	if err == nil {
		s.Needs = known.Needs
		if len(s.Targets) == 0 {
			s.Targets = known.Targets
		}
	}
	return s, l.diags
}
