package manifest

import (
	"fmt"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"
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
	project      string
	environment  string
	// targets has an object for each plugin, from the name to the address.
	targets map[string]cty.Value
	// services has an object for each service block; nil where expressions must
	// not refer to services. Each is nil but in a service that for_each makes.
	services map[string]cty.Value
	each     map[string]cty.Value
	// addresses are the targets that exist, by address.
	addresses map[string]bool
	// byLabel are the services that each service block makes, byName all of them.
	// lost are the blocks of which that is not known, because of a problem that was
	// reported or a variable without a value.
	byLabel      map[string][]string
	byName, lost map[string]bool
	// git is filled when it is first asked for.
	git map[string]cty.Value
	// open: names can be used. They cannot in the default of a variable.
	open bool
}

// roots are what references begin with.
var roots = []string{"var", "local", "git", "project", "environment", "target", "service", "each"}

// lookup returns what root.name refers to.
func (l *loader) lookup(root, name string, at hcl.Traversal) (cty.Value, state) {
	s := &l.scope
	if !s.open {
		return cty.DynamicVal, stateUnknown
	}
	if table := s.table(root); table != nil {
		n, ok := table[name]
		if !ok {
			return cty.DynamicVal, stateUnknown
		}
		return n.value, n.state
	}
	var members map[string]cty.Value
	switch root {
	case "git":
		if _, known := gitFacts[name]; known {
			return l.gitFact(name, at.SourceRange())
		}
	case "project":
		members = map[string]cty.Value{"name": cty.StringVal(s.project)}
	case "environment":
		members = map[string]cty.Value{"name": cty.StringVal(s.environment)}
	case "target":
		members = s.targets
	case "service":
		members = s.services
		if s.services != nil && s.lost[name] {
			return cty.DynamicVal, stateBroken
		}
	case "each":
		members = s.each
	}
	v, ok := members[name]
	if !ok {
		return cty.DynamicVal, stateUnknown
	}
	return v, stateReady
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

// names are those that stand behind a root.
func (s *scope) names(root string) []string {
	switch root {
	case "var", "local":
		return keysOf(s.table(root))
	case "git":
		return keysOf(gitFacts)
	case "target":
		return keysOf(s.targets)
	case "service":
		return keysOf(s.services)
	case "each":
		return []string{"key", "value"}
	}
	return []string{"name"}
}

func keysOf[V any](m map[string]V) []string {
	names := make([]string, 0, len(m))
	for name := range m {
		names = append(names, name)
	}
	return names
}

// known lists the values below a root.
func (s *scope) known(root string) string {
	what := map[string]string{"var": "The variables are", "local": "The local values are", "service": "The services are", "target": "The plugins with targets are"}[root]
	if what == "" {
		what = "It has"
	}
	return list(what, s.names(root))
}

// help is for a name that is not there.
func (s *scope) help(root, name string) string {
	if len(s.table(root)) > many || len(s.services) > many {
		return tooManyToList
	}
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
	switch root {
	case "var":
		return fmt.Sprintf("The manifest declares no variable. Add one:\n\n    variable %q { default = \"...\" }", name)
	case "local":
		return fmt.Sprintf("The manifest has no local values. Add one:\n\n    locals { %s = \"...\" }", name)
	}
	return "There is none."
}

// madeAs returns how an expression refers to a service that for_each makes, or "".
func (s *scope) madeAs(name string) string {
	for i, c := range name {
		if label := name[:i]; c == '-' && s.byName[name] && contains(s.byLabel[label], name) {
			return fmt.Sprintf("service.%s[%q]", label, name[i+1:])
		}
	}
	return ""
}

// helpRoot is for a reference that begins with something unknown.
func (s *scope) helpRoot(root string, bare bool) string {
	for _, table := range []string{"var", "local"} {
		if _, ok := s.table(table)[root]; ok {
			return fmt.Sprintf("Did you mean %q?", table+"."+root)
		}
	}
	if _, isPlugin := s.targets[root]; isPlugin && !bare {
		return fmt.Sprintf("Did you mean \"target.%s\"? Targets are referred to as target.PLUGIN.NAME.", root)
	}
	switch {
	case foreignRoots[root] != "":
		return fmt.Sprintf("Did you mean %q?", foreignRoots[root])
	case foreignRootWords[root] != "":
		return foreignRootWords[root]
	case nearest(root, roots) != "" && !bare:
		return fmt.Sprintf("Did you mean %q?", nearest(root, roots))
	case bare:
		return fmt.Sprintf("If it is text, put it in quotes: \"%s\". Values are referred to as var.NAME and local.NAME.", root)
	}
	return "Values are referred to as var.NAME, local.NAME, git.commit, service.NAME.url and target.PLUGIN.NAME."
}

// foreignRoots maps what other tools write to ours.
var foreignRoots = map[string]string{
	"locals": "local", "variable": "var", "vars": "var", "variables": "var", "services": "service", "targets": "target", "terraform": "environment",
}

// foreignRootWords say what stands here for what other tools write.
var foreignRootWords = map[string]string{
	"env":     "An environment variable is read in the default of a variable: default = env(\"NAME\"). The name of the environment is environment.name.",
	"process": "An environment variable is read in the default of a variable: default = env(\"NAME\").",
	"secret":  "A secret has no value here. It is a block in the service, and the app finds its value in the environment variable that the block names.",
	"secrets": "A secret has no value here. It is a block in the service, and the app finds its value in the environment variable that the block names.",
	"path":    "Paths are relative to the manifest's folder, so they need nothing before them.",
	"count":   "The services that for_each makes use each.key and each.value.",
	"self":    "What a service has is in its own block. A value that is used twice goes into a locals block.",
	"module":  "There are no modules. All *.hcl files of the manifest's folder are one manifest.",
	"data":    "Nothing is looked up on platforms. Give the value by a variable.",
}

// inputSetting is what loader.input is while the attributes of a variable block
// are read that are no value.
const inputSetting = "setting"

// unshown is for a problem with the value of a sensitive variable.
var unshown = Diagnostic{
	Summary: "The value cannot be evaluated",
	Detail:  "It belongs to a sensitive variable, so what is wrong with it is not shown. Text stands in double quotes, and only functions such as env(\"NAME\") can be used.",
}

// unknownReference reports a reference to something that does not exist.
func (l *loader) unknownReference(t hcl.Traversal, root, name string) {
	d := Diagnostic{needsWhole: true}
	at := t[0].SourceRange()
	if len(t) > 1 {
		at = hcl.RangeBetween(at, t[1].SourceRange())
	}
	isRoot := contains(roots, root)
	switch {
	case !l.scope.open && l.private:
		d = unshown
	case !l.scope.open && !isRoot:
		d.Summary = fmt.Sprintf("Unknown name %q", root)
		d.Detail = fmt.Sprintf("If it is text, put it in quotes: \"%s\".", root)
		at = t[0].SourceRange()
	case !l.scope.open && l.input == inputSetting:
		d.Summary = "This has to be written out"
		d.Detail = "What a variable block says of itself is read before any value is there, and cannot refer to one."
	case !l.scope.open:
		d.Summary = l.input + " refers to another value"
		if root == "service" {
			d.Detail = "What a service has is known only when it is deployed. Refer to it in the env of another service: env = { API_URL = service.api.url }"
			break
		}
		d.Detail = "The values of variables can only use functions, such as env(\"NAME\"). Put the expression into a locals block and use local.NAME instead."
	case root == "service" && l.scope.services == nil:
		d.Summary = "A service cannot be referred to here"
		d.Detail = "What a service has is known only when it is deployed. Refer to it in the env of another service: env = { API_URL = service.api.url }"
	case root == "each" && l.scope.each == nil:
		d.Summary = "\"each\" is for services with for_each"
		d.Detail = "Add for_each to the service block, or use a variable or a local value."
	case isRoot && name == "":
		d.Summary = fmt.Sprintf("%q needs a name", root)
		d.Detail = strings.TrimSpace(fmt.Sprintf("Write %s.NAME. %s", root, l.scope.known(root)))
	case root == "var":
		d.Summary = fmt.Sprintf("There is no variable %q", name)
		d.Detail = l.scope.help(root, name)
	case root == "local":
		d.Summary = fmt.Sprintf("There is no local value %q", name)
		d.Detail = l.scope.help(root, name)
	case root == "target":
		d.Summary = fmt.Sprintf("There is no target of the plugin %q", name)
		d.Detail = "Add one, for example:\n\n" + indent(targetBlock.example)
		if l.hasPlugin(name) {
			other := "NAME"
			if len(t) > 2 && stepText(t[2]) != "" {
				other = stepText(t[2])
			}
			d.Detail = fmt.Sprintf("Add one, for example:\n\n    target %q %q {}", name, other)
		}
		if near := nearest(name, l.scope.names(root)); near != "" {
			d.Detail = fmt.Sprintf("Did you mean %q?", root+"."+near)
		}
	case isRoot:
		d.Summary = fmt.Sprintf("There is no %s", root+"."+name)
		d.Detail = l.scope.help(root, name)
		if root == "service" {
			d.Summary = fmt.Sprintf("There is no service %q", name)
			if made := l.scope.madeAs(name); made != "" {
				d.Detail = fmt.Sprintf("It is one of those that for_each makes. Write %s.", made)
			}
		}
	default:
		d.Summary = fmt.Sprintf("Unknown name %q", root)
		d.Detail = l.scope.helpRoot(root, len(t) == 1)
		at = t[0].SourceRange()
	}
	l.report(d, at)
}

// hasPlugin reports whether there is a plugin of that name.
func (l *loader) hasPlugin(name string) bool {
	for _, p := range l.plugins {
		if p.Label == name {
			return true
		}
	}
	return false
}
