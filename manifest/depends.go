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
	tuple, ok := a.expr.(*hclsyntax.TupleConsExpr)
	if !ok {
		if !isNullLiteral(a) {
			l.report(Diagnostic{
				Summary: "\"depends_on\" has to be a list of services",
				Detail:  "Write the services into brackets: depends_on = [service.db]",
			}, a.place())
		}
		return nil
	}
	var names []string
	for _, item := range tuple.Exprs {
		for _, name := range l.dependency(item) {
			switch {
			case name == i.name:
				l.report(Diagnostic{Summary: fmt.Sprintf("The service %q depends on itself", name), Detail: "Remove it from the list."}, item.Range())
			case !contains(names, name):
				names = append(names, name)
			}
		}
	}
	return names
}

// dependency returns the services that one item of depends_on names.
func (l *loader) dependency(item hclsyntax.Expression) []string {
	if t, problems := hcl.AbsTraversalForExpr(item); !problems.HasErrors() && t.RootName() == "service" {
		if _, ok := l.evalAny(item, l.functions); !ok {
			return nil
		}
		return l.servicesIn(item)
	}
	v, ok := l.eval(item, l.functions)
	if !ok {
		return nil
	}
	name, isText := textOf(v)
	switch {
	case !isText:
		l.report(Diagnostic{
			Summary: "\"depends_on\" has to be a list of services",
			Detail:  fmt.Sprintf("This item is %s. Write it as service.NAME.", describe(v)),
		}, item.Range())
		return nil
	case len(l.byLabel[name]) > 0:
		return l.byLabel[name]
	case l.byName[name]:
		return []string{name}
	}
	if !l.partial() {
		l.report(Diagnostic{Summary: fmt.Sprintf("There is no service %q", name), Detail: didYouMean(name, keysOf(l.byName), "The services are")}, item.Range())
	}
	return nil
}

// servicesIn returns the services that an expression refers to.
func (l *loader) servicesIn(e hclsyntax.Expression) []string {
	var names []string
	for _, t := range l.analyze(e).variables {
		if t.RootName() != "service" {
			continue
		}
		label := stepName(t)
		found := l.byLabel[label]
		if len(t) > 2 && len(found) > 0 && l.isGroup(label) {
			if one := label + "-" + stepName(hcl.Traversal{t[0], t[2]}); l.byName[one] {
				found = []string{one}
			}
		}
		for _, name := range found {
			if !contains(names, name) {
				names = append(names, name)
			}
		}
	}
	return names
}

// isGroup reports whether for_each makes the services of a label.
func (l *loader) isGroup(label string) bool {
	names := l.byLabel[label]
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
		for _, name := range unknown {
			s.addNeeds(s.Unknown[name])
		}
		s.addNeeds(s.DependsOn)
		needs[s.Name], byName[s.Name], places[s.Name] = s.Needs, s, instances[i]
		names = append(names, s.Name)
	}
	order := ordered(names, func(name string) []string { return needs[name] }, func(circle []string) {
		shown := circle
		if len(shown) > 6 {
			shown = append(append([]string(nil), circle[:5]...), "...")
		}
		n := places[circle[0]].node
		at := n.block.header
		if a := n.attr("depends_on"); a != nil && len(byName[circle[0]].DependsOn) > 0 {
			at = a.place()
		}
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

func (s *Service) addNeeds(names []string) {
	for _, name := range names {
		if !contains(s.Needs, name) {
			s.Needs = append(s.Needs, name)
		}
	}
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
