package manifest

import (
	"fmt"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"
)

// instance is one service that a service block makes.
type instance struct {
	// name is the service's; label is the block's, which is another one where
	// for_each makes several services.
	name, label string
	node        *node
	// each is what expressions of the block refer to with each, or nil; key is
	// its key.
	each map[string]cty.Value
	key  string
}

// maxServices is how many services a manifest may make.
const maxServices = 10_000

// expand returns the services that the blocks make, in the order of the text, with
// what the environment overrides of them.
func (l *loader) expand(over *node) []*instance {
	nodes := l.root.all("service")
	overrides := map[string]*node{}
	if over != nil {
		for _, n := range over.all("service") {
			overrides[n.label(0)] = n
		}
	}
	used := map[string]bool{}
	var instances []*instance
	first := map[string]*instance{}
	for _, n := range nodes {
		label := n.label(0)
		if o := overrides[label]; o != nil {
			n, used[label] = l.laid(n, o), true
		}
		made, one := l.generate(n, len(instances))
		if one {
			made = []*instance{{name: label, label: label, node: n}}
			if problem := checkName(label); problem != "" {
				l.report(Diagnostic{Summary: fmt.Sprintf("Invalid service name %q", label), Detail: problem}, n.block.labels[0].at)
			}
			if len(instances) == maxServices {
				l.report(Diagnostic{Summary: "Too many services", Detail: fmt.Sprintf("A manifest has at most %d of them, and this is one more.", maxServices)}, n.block.header)
				break
			}
		}
		for _, i := range made {
			if before := first[i.name]; before != nil {
				l.report(Diagnostic{
					Summary: fmt.Sprintf("There are two services %q", i.name),
					Detail:  "One of them comes from for_each, which names services after the block and the key. Rename one of the two.",
					Notes:   []Note{{"the first one is here", rangeOf(before.node.block.header)}},
				}, i.node.block.header)
				continue
			}
			first[i.name] = i
			if o := overrides[i.name]; o != nil && !used[i.name] {
				used[i.name] = true
				if a := o.attr("for_each"); a != nil {
					l.report(Diagnostic{
						Summary: "for_each cannot be set here",
						Detail:  fmt.Sprintf("%q is itself a service that for_each makes. Override for_each in service %q.", i.name, i.label),
					}, a.nameRange)
				}
				i.node = l.laid(i.node, o)
			}
			instances = append(instances, i)
		}
	}
	for name, o := range overrides {
		if !used[name] && !l.mayBeLost(name) {
			l.report(Diagnostic{
				Summary:    fmt.Sprintf("There is no service %q", name),
				Detail:     "An environment overrides services that exist outside of it. " + didYouMean(name, keysOf(first), "The services are"),
				needsWhole: true,
			}, o.block.labels[0].at)
		}
	}
	return instances
}

// lose notes that the services of a block are not known.
func (l *loader) lose(label string) {
	if l.scope.lost == nil {
		l.scope.lost = map[string]bool{}
	}
	l.scope.lost[label] = true
}

// mayBeLost reports whether a service of that name may be one of a block whose
// services are not known.
func (l *loader) mayBeLost(name string) bool {
	for label := range l.scope.lost {
		if name == label || strings.HasPrefix(name, label+"-") {
			return true
		}
	}
	return false
}

// generate makes the services of a block with for_each. one is true for a block
// without it, also where it is null.
func (l *loader) generate(n *node, before int) (made []*instance, one bool) {
	a := n.attr("for_each")
	if a == nil {
		return nil, true
	}
	v, ok := l.eval(a.expr, l.functions)
	switch {
	case !ok:
		l.lose(n.label(0))
		return nil, false
	case v.IsNull():
		return nil, true
	}
	made, ok = l.generateFrom(n, a, v, before)
	if !ok {
		l.lose(n.label(0))
	}
	return made, false
}

func (l *loader) generateFrom(n *node, a *attribute, v cty.Value, before int) (made []*instance, ok bool) {
	kind := v.Type()
	if !kind.IsMapType() && !kind.IsObjectType() && !(kind.IsSetType() && (kind.ElementType() == cty.String || v.LengthInt() == 0)) {
		detail := "A map or a set of strings is wanted, so that each service has a name that stays."
		switch {
		case kind.IsTupleType() || kind.IsListType() || kind.IsSetType():
			detail += " Write toset([...]) around a list of strings."
		case kind == cty.Number:
			detail += " For a number of alike instances of one service use scale; for several services name them: toset([\"a\", \"b\"])."
		}
		l.report(Diagnostic{Summary: "\"for_each\" has to be a map or a set of strings", Detail: fmt.Sprintf("It is %s. %s", describe(v), detail)}, a.place())
		return nil, false
	}
	if count := v.LengthInt(); before+count > maxServices {
		l.report(Diagnostic{
			Summary: "Too many services",
			Detail:  fmt.Sprintf("for_each makes %d of them here; a manifest has at most %d.", count, maxServices),
		}, a.place())
		return nil, false
	}
	ok = true
	label := n.label(0)
	for it := v.ElementIterator(); it.Next(); {
		key, value := it.Element()
		if key.IsNull() {
			l.invalid(a, a.place(), "One of its items is null. Remove it, or use compact([...]) for a list with gaps.")
			return nil, false
		}
		name := label + "-" + key.AsString()
		if problem := checkName(name); problem != "" {
			l.report(Diagnostic{Summary: fmt.Sprintf("Invalid service name %q", name), Detail: fmt.Sprintf("It is made of the block's name and the key %q. %s", key.AsString(), problem)}, a.keyPlace(key.AsString()))
			ok = false
			continue
		}
		made = append(made, &instance{
			name: name, label: label, node: n, key: key.AsString(),
			each: map[string]cty.Value{"key": key, "value": value},
		})
	}
	return made, ok
}

// nameServices makes the services known to expressions. What they get when they
// are deployed is not known yet.
func (l *loader) nameServices(instances []*instance) {
	services := map[string]cty.Value{}
	groups := map[string]map[string]cty.Value{}
	l.scope.byLabel, l.scope.byName = map[string][]string{}, map[string]bool{}
	for _, i := range instances {
		l.scope.byLabel[i.label], l.scope.byName[i.name] = append(l.scope.byLabel[i.label], i.name), true
		described := describeService(i.name, cty.UnknownVal(cty.String).RefineNotNull())
		if i.each == nil {
			services[i.label] = described
			continue
		}
		if groups[i.label] == nil {
			groups[i.label] = map[string]cty.Value{}
		}
		groups[i.label][i.key] = described
	}
	for label, members := range groups {
		services[label] = cty.ObjectVal(members)
	}
	l.scope.services = services
}

// describeService is what expressions find behind service.NAME.
func describeService(name string, url cty.Value) cty.Value {
	return cty.ObjectVal(map[string]cty.Value{"name": cty.StringVal(name), "url": url})
}

var noRange hcl.Range
