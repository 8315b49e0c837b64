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
	m.instances = instances
	m.scope = l.scope
	m.order = l.orderServices(m.Services, instances)
	if len(instances) == 0 && !l.root.mentions("service") {
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
		}, l.root.all("environment")[0].block.header)
	}
	if len(m.Environments) == 0 && name != DefaultEnvironment {
		if problem := checkName(name); problem != "" {
			l.report(Diagnostic{Summary: fmt.Sprintf("Invalid environment name %q", name), Detail: problem, origin: "--env " + name}, noRange)
		}
	}
	return found
}

func (l *loader) project(a *attribute) string {
	name, ok := l.string(a)
	if !ok {
		if a != nil && isNullLiteral(a) {
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
	l.addresses = map[string]bool{"local.container": true, "local.function": true}
	members := map[string]map[string]cty.Value{
		"local": {"container": cty.StringVal("local.container"), "function": cty.StringVal("local.function")},
	}
	for _, n := range nodes {
		plugin, name := n.label(0), n.label(1)
		address := plugin + "." + name
		if problem := checkName(name); problem != "" {
			l.report(Diagnostic{Summary: fmt.Sprintf("Invalid target name %q", name), Detail: problem}, n.block.labels[1].at)
		}
		l.addresses[address] = true
		if members[plugin] == nil {
			members[plugin] = map[string]cty.Value{}
		}
		members[plugin][name] = cty.StringVal(address)
	}
	for _, n := range l.root.broken {
		// A block that was reported still makes its name known.
		if n.name == "target" && len(n.labels) == 2 {
			plugin, name := n.labels[0].text, n.labels[1].text
			if members[plugin] == nil {
				members[plugin] = map[string]cty.Value{}
			}
			members[plugin][name] = cty.StringVal(plugin + "." + name)
			l.addresses[plugin+"."+name] = true
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
	for _, o := range over {
		found := false
		for i, n := range nodes {
			if identity(n.block) == identity(o.block) {
				nodes[i], found = l.laid(n, o), true
				break
			}
		}
		if !found {
			nodes = append(nodes, l.added(o))
		}
	}
	return nodes
}

// targets reads the settings of the target blocks.
func (l *loader) targets(nodes []*node) []*Target {
	var list []*Target
	for _, n := range nodes {
		list = append(list, &Target{Plugin: n.label(0), Name: n.label(1), Settings: l.settings(n, n.kind.attrs), node: n})
	}
	return list
}

// settings reads the attributes that a builder or a plugin takes.
func (l *loader) settings(n *node, attrs []schema.Attribute) schema.Values {
	l.reading = n.kind
	defer func() { l.reading = nil }()
	values := schema.Values{}
	for _, a := range attrs {
		attr := n.attr(a.Name)
		if attr == nil {
			continue
		}
		v, ok := l.setting(attr, a)
		if ok {
			values[a.Name] = v
		} else if a.Required && isNullLiteral(attr) {
			l.invalid(attr, attr.place(), "It is null, and a value is needed here.")
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
