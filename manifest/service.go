package manifest

import (
	"fmt"
	"strings"

	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// service reads a service block.
func (l *loader) service(i *instance) *Service {
	n := i.node
	l.scope.each = i.each
	defer func() { l.scope.each = nil }()
	s := &Service{Name: i.name, Port: DefaultPort, Health: Health{Path: DefaultHealthPath, Start: DefaultStart}, Set: map[string]bool{}}
	s.Env, s.Unknown, s.Sensitive = l.env(n.attr("env"), i)
	if port, ok := l.bounded(n.attr("port"), 1, 65535); ok {
		s.Port, s.Set["port"] = port, true
	}
	s.CPU, _ = l.cpu(n.attr("cpu"))
	s.Memory, _ = l.memory(n.attr("memory"))
	s.Timeout, _ = l.duration(n.attr("timeout"))
	s.Background, _ = l.bool(n.attr("background"))
	s.Targets = l.targetList(n.attr("target"))
	s.DependsOn = l.dependsOn(n.attr("depends_on"), i)
	l.build(n, s, i.label)
	if health := n.one("health"); health != nil {
		l.health(health, s)
	}
	if scale := n.one("scale"); scale != nil {
		l.scale(scale, &s.Scale)
	}
	s.Domain = l.domain(n.attr("domain"))
	if deploy := n.one("deploy"); deploy != nil {
		s.Rollout = l.rollout(deploy)
	}
	l.triggers(n, s)
	for _, hook := range n.all("hook") {
		if h := l.hook(hook, i); h != nil {
			s.Hooks = append(s.Hooks, h)
		}
	}
	return s
}

func (l *loader) health(n *node, s *Service) {
	if start, ok := l.duration(n.attr("start")); ok {
		s.Health.Start, s.Set["health.start"] = start, true
	}
	if path, ok := l.path(n.attr("path"), "A health path"); ok {
		s.Health.Path, s.Set["health.path"] = path, true
	}
}

// path reads the path of a request. what begins a sentence about it.
func (l *loader) path(a *attribute, what string) (string, bool) {
	text, ok := l.string(a)
	if !ok {
		return "", false
	}
	switch {
	case !strings.HasPrefix(text, "/"):
		better := "/" + strings.TrimLeft(text, "/")
		if i := strings.Index(text, "://"); i >= 0 {
			_, rest, _ := strings.Cut(text[i+3:], "/")
			better = "/" + rest
		}
		l.invalid(a, a.place(), fmt.Sprintf("%s begins with a slash. Did you mean %q?", what, better))
		return "", false
	case strings.ContainsFunc(text, func(r rune) bool { return r <= ' ' || r == 0x7f || r == '#' }):
		l.invalid(a, a.place(), what+" has no spaces, control characters or #. Encode them, for example a space as %20.")
		return "", false
	}
	return text, true
}

// maxInstances bounds the numbers of a scale block.
const maxInstances = 100_000

func (l *loader) scale(n *node, s *Scale) {
	var maxSet bool
	s.Min, _ = l.bounded(n.attr("min"), 0, maxInstances)
	s.Max, maxSet = l.bounded(n.attr("max"), 1, maxInstances)
	s.Concurrency, _ = l.bounded(n.attr("concurrency"), 1, maxInstances)
	if maxSet && s.Min > s.Max {
		l.report(Diagnostic{
			Summary: "min is more than max",
			Detail:  fmt.Sprintf("At least %d and at most %d instances cannot be. Raise max or lower min.", s.Min, s.Max),
			Notes:   []Note{{"max is set here", rangeOf(n.attr("max").place())}},
		}, n.attr("min").place())
	}
}

// build reads the one build block of a service. label is that of its block, which
// may make several services.
func (l *loader) build(n *node, s *Service, label string) {
	b := n.one("build")
	if b == nil {
		if !n.mentions("build") {
			l.reportMissing(Diagnostic{
				Summary: fmt.Sprintf("The service %q has no build block", label),
				Detail:  "It says how the service's code becomes files to run, for example:\n\n" + indent(buildBlock.example) + "\n\n" + list("The builders are", l.builderNames()),
			}, n.block.header)
		}
		return
	}
	s.Build.Builder = b.label(0)
	common := len(buildBlock.attrs)
	s.Build.Settings = l.settings(b, b.kind.attrs[common:])
	l.reading = b.kind
	defer func() { l.reading = nil }()
	l.base(b.attr("base"), s)
	l.platforms(b.attr("platforms"), s)
}

func isNullLiteral(a *attribute) bool {
	lit, ok := a.expr.(*hclsyntax.LiteralValueExpr)
	return ok && lit.Val.IsNull()
}

// foreignBuilders maps names of languages and tools to builders.
var foreignBuilders = map[string]string{
	"golang": "go", "nodejs": "node", "js": "node", "javascript": "node", "typescript": "node", "npm": "node", "py": "python", "docker": "dockerfile",
	"binary": "static", "prebuilt": "static", "shell": "command", "cmd": "command", "exec": "command", "script": "command", "custom": "command", "make": "command",
}

func (l *loader) builderNames() []string {
	names := make([]string, 0, len(l.builders))
	for _, b := range l.builders {
		names = append(names, b.Label)
	}
	return names
}

// buildKind returns what a build block takes, by its builder, or nil.
func (l *loader) buildKind(b *block, common *blockType) *blockType {
	name := b.labels[0].text
	key := name
	if common.override {
		key = "override " + name
	}
	if kind, ok := l.kinds[key]; ok {
		return kind
	}
	for _, builder := range l.builders {
		if builder.Label == name {
			l.kinds[key] = withSettings(common, builder)
			return l.kinds[key]
		}
	}
	detail := didYouMean(name, l.builderNames(), "The builders are")
	if known := foreignBuilders[strings.ToLower(name)]; known != "" && contains(l.builderNames(), known) {
		detail = fmt.Sprintf("Did you mean %q?", known)
	} else if name == "node" || name == "python" || name == "java" || name == "rust" || name == "dockerfile" {
		detail = "It comes with a later version. The builder \"command\" runs any build, for example npm or pip, and takes the files that it makes. " + list("The builders are", l.builderNames())
	}
	l.report(Diagnostic{Summary: fmt.Sprintf("There is no builder %q", name), Detail: detail}, b.labels[0].at)
	return nil
}

func contains(list []string, s string) bool {
	for _, item := range list {
		if item == s {
			return true
		}
	}
	return false
}

func (l *loader) base(a *attribute, s *Service) {
	base, ok := l.string(a)
	switch {
	case !ok:
	case base == "" || strings.ContainsAny(base, " \t\n"):
		l.invalid(a, a.place(), "It is the reference of an image, such as \"gcr.io/distroless/static\". Remove it for twofold's own minimal image.")
	default:
		s.Build.Base = base
	}
}

// platformNames are the platforms that containers and functions run on.
var platformNames = []string{"linux/amd64", "linux/arm64"}

func (l *loader) platforms(a *attribute, s *Service) {
	names, ok := l.strings(a)
	if !ok {
		return
	}
	if len(names) == 0 {
		l.invalid(a, a.place(), "The list is empty. Remove it for the platforms that the targets run, or name one: "+enumerate(platformNames, "or")+".")
		return
	}
	seen := map[string]bool{}
	for i, name := range names {
		switch {
		case !contains(platformNames, name):
			l.invalid(a, itemRange(a, i), fmt.Sprintf("There is no platform %q. %s", name, platformHelp(name)))
		case seen[name]:
			l.invalid(a, itemRange(a, i), fmt.Sprintf("The platform %q is named twice. Remove one.", name))
		default:
			s.Build.Platforms = append(s.Build.Platforms, name)
		}
		seen[name] = true
	}
}

func platformHelp(name string) string {
	switch plain := strings.ToLower(name); {
	case strings.HasSuffix(plain, "arm64") || strings.HasSuffix(plain, "aarch64"):
		return "Did you mean \"linux/arm64\"?"
	case strings.HasSuffix(plain, "amd64") || strings.HasSuffix(plain, "x86_64") || strings.HasSuffix(plain, "x64"):
		return "Did you mean \"linux/amd64\"?"
	}
	return didYouMean(name, platformNames, "The platforms are")
}
