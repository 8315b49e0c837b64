package manifest

import (
	"fmt"
	"path/filepath"
	"strings"

	"github.com/twofoldhq/twofold/manifest/schema"
	"github.com/zclconf/go-cty/cty"
)

// manifest evaluates one environment. What it returns is whole only if nothing
// was reported.
func (l *loader) manifest(s *text, environment string, limits *meter) *Manifest {
	if environment == "" {
		environment = DefaultEnvironment
	}
	l.meter.reset(limits)
	m := &Manifest{File: s.path, Dir: filepath.Dir(s.path), Environment: environment, loader: l, nodes: map[string]*node{}}
	over := l.environment(environment, m)
	l.scope = scope{vars: map[string]*named{}, locals: map[string]*named{}, environment: environment, open: true, git: l.scope.git}
	m.Project = l.project(l.root.attr("project"))
	l.scope.project = m.Project
	targets := l.targetNames(over)
	l.readVariables(over)
	l.readLocals(l.root.all("locals"))
	l.checkVariables()
	m.Targets = l.targets(targets)
	instances := l.expand(over)
	l.nameServices(instances)
	standard := l.standardTargets(over)
	for _, i := range instances {
		service := l.service(i)
		if len(service.Targets) == 0 {
			service.Targets = standard
		}
		m.Services = append(m.Services, service)
		m.nodes[service.Name] = i.node
	}
	l.oneServiceOfDomain(m.Services, instances)
	m.instances = instances
	m.scope = l.scope
	m.order = l.orderServices(m.Services, instances)
	if len(instances) == 0 && !l.root.mentions("service") && !l.root.misnamed("service") {
		l.reportMissing(Diagnostic{
			Summary: "The manifest has no service",
			Detail:  "Add one, for example:\n\n    service \"web\" {\n      build \"go\" { package = \".\" }\n    }",
		}, l.root.block.header)
	}
	return m
}

// environment returns the block of an environment, or nil.
func (l *loader) environment(name string, m *Manifest) *node {
	var found *node
	for _, n := range l.root.all("environment") {
		declared := n.label(0)
		m.Environments = append(m.Environments, declared)
		if declared == name {
			found = n
		}
		if problem := checkName(declared); problem != "" {
			l.report(Diagnostic{Summary: fmt.Sprintf("Invalid environment name %q", declared), Detail: problem}, n.block.labels[0].at)
		}
	}
	if found == nil && name != DefaultEnvironment && len(m.Environments) > 0 {
		l.reportMissing(Diagnostic{
			Summary: fmt.Sprintf("There is no environment %q", name),
			Detail:  didYouMean(name, m.Environments, "The environments are"),
			origin:  "--env " + name,
		}, noRange)
	}
	if len(m.Environments) == 0 && name != DefaultEnvironment {
		if problem := checkName(name); problem != "" {
			l.report(Diagnostic{Summary: fmt.Sprintf("Invalid environment name %q", name), Detail: problem, origin: "--env " + name}, noRange)
		}
	}
	return found
}

func (l *loader) project(a *attribute) string {
	if a != nil && len(l.analyze(a.expr).variables) > 0 {
		l.report(Diagnostic{
			Summary: "The project's name cannot depend on another value",
			Detail:  "It is what finds the project's deployments again, and so is the same in every environment. Write it as text: project = \"shop\"",
		}, a.place())
		return ""
	}
	name, ok := l.string(a)
	if !ok {
		if a != nil && l.isNull(a) {
			l.invalid(a, a.place(), "It is null, and a name is wanted, such as \"shop\".")
		}
		return ""
	}
	if problem := checkName(name); problem != "" {
		l.report(Diagnostic{Summary: fmt.Sprintf("Invalid project name %q", name), Detail: problem}, a.place())
	}
	return name
}

// targetNames finds the targets that exist in the environment, with what it
// overrides of them.
func (l *loader) targetNames(over *node) []*node {
	nodes := l.root.all("target")
	if over != nil {
		nodes = l.laidOver(nodes, over.all("target"))
	}
	l.scope.addresses = map[string]bool{"local.container": true, "local.function": true}
	members := map[string]map[string]cty.Value{
		"local": {"container": cty.StringVal("local.container"), "function": cty.StringVal("local.function")},
	}
	for _, n := range nodes {
		plugin, name := n.label(0), n.label(1)
		address := plugin + "." + name
		if problem := checkName(name); problem != "" {
			l.report(Diagnostic{Summary: fmt.Sprintf("Invalid target name %q", name), Detail: problem}, n.block.labels[1].at)
		}
		l.scope.addresses[address] = true
		if members[plugin] == nil {
			members[plugin] = map[string]cty.Value{}
		}
		members[plugin][name] = cty.StringVal(address)
	}
	broken := l.root.broken
	if over != nil {
		broken = append(broken[:len(broken):len(broken)], over.broken...)
	}
	for _, n := range broken {
		// A block that was reported still makes its name known.
		if n.name == "target" && len(n.labels) == 2 {
			plugin, name := n.labels[0].text, n.labels[1].text
			if members[plugin] == nil {
				members[plugin] = map[string]cty.Value{}
			}
			members[plugin][name] = cty.StringVal(plugin + "." + name)
			l.scope.addresses[plugin+"."+name] = true
		}
	}
	l.scope.targets = map[string]cty.Value{}
	for plugin, names := range members {
		l.scope.targets[plugin] = cty.ObjectVal(names)
	}
	return nodes
}

// laidOver lays the blocks of an environment over those of the same labels.
func (l *loader) laidOver(base, over []*node) []*node {
	nodes := append([]*node(nil), base...)
	places := make(map[string]int, len(nodes))
	for i, n := range nodes {
		places[identity(n.block)] = i
	}
	for _, o := range over {
		if i, found := places[identity(o.block)]; found {
			nodes[i] = l.laid(nodes[i], o)
		} else {
			nodes = append(nodes, l.added(o))
		}
	}
	return nodes
}

// targets reads the settings of the target blocks.
func (l *loader) targets(nodes []*node) []*Target {
	var list []*Target
	for _, n := range nodes {
		list = append(list, &Target{Plugin: n.label(0), Name: n.label(1), Settings: l.settings(n, n.kind.attrs), Unknown: l.unknownIn(n), node: n})
	}
	return list
}

// unknownIn returns the attributes of a block that depend on a variable without a
// value.
func (l *loader) unknownIn(n *node) []string {
	if !l.lenient {
		return nil
	}
	var names []string
	for _, a := range n.attrs {
		if v, ok := l.evalAny(a.expr, l.functions); ok && !v.IsWhollyKnown() {
			names = append(names, a.name)
		}
	}
	return names
}

// settings reads the attributes that a builder or a plugin takes.
func (l *loader) settings(n *node, attrs []schema.Attribute) schema.Values {
	l.reading = n.kind
	defer func() { l.reading = nil }()
	l.required(n)
	values := schema.Values{}
	for _, a := range attrs {
		attr := n.attr(a.Name)
		if attr == nil {
			continue
		}
		v, ok := l.setting(attr, a)
		if ok {
			values[a.Name] = v
		}
	}
	return values
}

// standardTargets are those of services that name none.
func (l *loader) standardTargets(over *node) []string {
	if over != nil {
		if named := l.targetList(over.attr("target")); len(named) > 0 {
			return named
		}
	}
	return []string{"local.container"}
}

// foreignPlugins maps names of platforms to plugins.
var foreignPlugins = map[string]string{
	"aws": "lambda", "aws_lambda": "lambda", "aws-lambda": "lambda", "function": "lambda", "functions": "lambda", "serverless": "lambda",
	"k8s": "kubernetes", "kube": "kubernetes", "eks": "kubernetes", "gke": "kubernetes", "aks": "kubernetes", "cluster": "kubernetes",
	"podman": "docker", "container": "docker", "compose": "docker", "ssh": "docker",
}

// targetKind returns what a target block takes, by its plugin, or nil.
func (l *loader) targetKind(b *block, common *blockType) *blockType {
	name := b.labels[0].text
	key := fmt.Sprint("target ", common.override, " ", name)
	if kind, ok := l.kinds[key]; ok {
		return kind
	}
	var names []string
	for _, plugin := range l.plugins {
		if plugin.Label == name {
			l.kinds[key] = withSettings(common, plugin)
			return l.kinds[key]
		}
		names = append(names, plugin.Label)
	}
	detail := didYouMean(name, names, "The plugins are")
	if known := foreignPlugins[strings.ToLower(name)]; known != "" && contains(names, known) {
		detail = fmt.Sprintf("Did you mean %q?", known)
	} else if name == "local" {
		detail = "The targets target.local.container and target.local.function always exist, and need no block."
	} else if name == "ecs" || name == "azure-functions" {
		detail = "It comes with a later version. " + list("The plugins are", names)
	}
	l.report(Diagnostic{Summary: fmt.Sprintf("There is no plugin %q", name), Detail: detail}, b.labels[0].at)
	return nil
}
