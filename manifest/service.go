package manifest

import (
	"fmt"
	"path/filepath"
	"strings"

	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/twofoldhq/twofold/manifest/schema"
)

// service reads a service block.
func (l *loader) service(b *block) (*Service, ranges) {
	places := ranges{"": rangeOf(b.header)}
	s := &Service{Name: b.labels[0].text, Port: DefaultPort, Health: Health{Path: DefaultHealthPath, Start: DefaultStart}, Env: map[string]string{}}
	c := l.check(b, serviceBlock)
	places.add("", c)
	if port, ok := l.bounded(c.attrs["port"], 1, 65535); ok {
		s.Port = port
	}
	s.CPU, _ = l.cpu(c.attrs["cpu"])
	s.Memory, _ = l.memory(c.attrs["memory"])
	s.Timeout, _ = l.duration(c.attrs["timeout"])
	l.env(c.attrs["env"], s.Env, places)
	l.build(c, s, places)
	for _, inner := range c.blocks["health"] {
		l.health(inner, &s.Health, places)
	}
	for _, inner := range c.blocks["scale"] {
		l.scale(inner, &s.Scale, places)
	}
	return s, places
}

// add notes where a block and its attributes are.
func (r ranges) add(path string, c *content) {
	prefix := ""
	if path != "" {
		r[path] = rangeOf(c.block.header)
		prefix = path + "."
	}
	for name, a := range c.attrs {
		r[prefix+name] = rangeOf(a.place())
	}
}

func (l *loader) health(b *block, h *Health, places ranges) {
	c := l.check(b, healthBlock)
	places.add("health", c)
	if start, ok := l.duration(c.attrs["start"]); ok {
		h.Start = start
	}
	path := c.attrs["path"]
	text, ok := l.string(path)
	if !ok {
		return
	}
	switch {
	case !strings.HasPrefix(text, "/"):
		better := "/" + strings.TrimLeft(text, "/")
		if i := strings.Index(text, "://"); i >= 0 {
			_, rest, _ := strings.Cut(text[i+3:], "/")
			better = "/" + rest
		}
		l.invalid(path, path.place(), fmt.Sprintf("A health path begins with a slash. Did you mean %q?", better))
	case strings.ContainsFunc(text, func(r rune) bool { return r <= ' ' || r == 0x7f || r == '#' }):
		l.invalid(path, path.place(), "A health path has no spaces, control characters or #. Encode them, for example a space as %20.")
	default:
		h.Path = text
	}
}

// maxInstances bounds the numbers of a scale block.
const maxInstances = 100_000

func (l *loader) scale(b *block, s *Scale, places ranges) {
	c := l.check(b, scaleBlock)
	places.add("scale", c)
	var maxSet bool
	s.Min, _ = l.bounded(c.attrs["min"], 0, maxInstances)
	s.Max, maxSet = l.bounded(c.attrs["max"], 1, maxInstances)
	s.Concurrency, _ = l.bounded(c.attrs["concurrency"], 1, maxInstances)
	if maxSet && s.Min > s.Max {
		l.report(Diagnostic{
			Summary: "min is more than max",
			Detail:  fmt.Sprintf("At least %d and at most %d instances cannot be. Raise max or lower min.", s.Min, s.Max),
			Notes:   []Note{{"max is set here", rangeOf(c.attrs["max"].place())}},
		}, c.attrs["min"].place())
	}
}

// env reads the environment of a service. null removes a name that a merge
// brought in.
func (l *loader) env(a *attribute, env map[string]string, places ranges) {
	members, ok := l.members(a, "a map")
	if !ok {
		return
	}
	for _, m := range members {
		places["env."+m.key] = rangeOf(m.at)
		switch {
		case m.key == "PORT":
			l.report(Diagnostic{
				Summary: "PORT is set by the port attribute",
				Detail:  "Remove it from env and write port = 8080, with the port that the app listens on. The app finds it in $PORT.",
			}, m.keyAt)
			continue
		case !isIdentifier(m.key):
			detail := "Use letters, digits and underscores, and do not begin with a digit"
			if better := betterEnvName(m.key); better != "" {
				detail += fmt.Sprintf(", for example %s", better)
			}
			l.report(Diagnostic{Summary: fmt.Sprintf("Invalid name %q of an environment variable", m.key), Detail: detail + "."}, m.keyAt)
			continue
		case m.value.IsNull():
			continue
		}
		text, ok := textOf(m.value)
		if !ok {
			l.report(Diagnostic{
				Summary: fmt.Sprintf("The environment variable %q has to be a string, number or bool", m.key),
				Detail:  fmt.Sprintf("It is %s. Turn it into text, for example with jsonencode(...).", describe(m.value)),
			}, m.at)
			continue
		}
		if strings.ContainsRune(text, 0) {
			l.report(Diagnostic{
				Summary: fmt.Sprintf("The environment variable %q holds a zero byte", m.key),
				Detail:  "No platform can pass it on. Encode the value, for example with base64encode(...).",
			}, m.at)
			continue
		}
		env[m.key] = text
	}
}

func betterEnvName(name string) string {
	better := strings.Map(func(r rune) rune {
		if isIdentifier("_" + string(r)) {
			return r
		}
		return '_'
	}, name)
	if !isIdentifier(better) || strings.Trim(better, "_") == "" {
		return ""
	}
	return better
}

// build reads the one build block of a service.
func (l *loader) build(c *content, s *Service, places ranges) {
	if len(c.blocks["build"]) == 0 {
		if !c.block.mentions("build") {
			l.reportMissing(Diagnostic{
				Summary: fmt.Sprintf("The service %q has no build block", s.Name),
				Detail:  "It says how the service's code becomes files to run, for example:\n\n" + indent(buildBlock.example) + "\n\n" + list("The builders are", l.builderNames()),
			}, c.block.header)
		}
		return
	}
	b := c.blocks["build"][0]
	places["build"] = rangeOf(b.header)
	kind := l.buildKind(b)
	if kind == nil {
		return
	}
	s.Build.Builder = b.labels[0].text
	inner := l.check(b, kind)
	places.add("build", inner)
	l.reading = kind
	defer func() { l.reading = nil }()
	s.Build.Settings = schema.Values{}
	for _, a := range kind.attrs {
		attr := inner.attrs[a.Name]
		if attr == nil {
			continue
		}
		if a.Deprecated != "" {
			l.warn(Diagnostic{
				Summary: fmt.Sprintf("The attribute %q is deprecated", a.Name),
				Detail:  fmt.Sprintf("Use %q instead.", a.Deprecated),
			}, attr.nameRange)
		}
		switch {
		case a.Name == "base" && isCommon(a):
			l.base(attr, s)
		case a.Name == "platforms" && isCommon(a):
			l.platforms(attr, s)
		default:
			v, ok := l.setting(attr, a.Type)
			if ok {
				s.Build.Settings[a.Name] = v
			} else if a.Required && isNullLiteral(attr) {
				l.invalid(attr, attr.place(), "It is null, and a value is needed here.")
			}
		}
	}
}

// isCommon reports whether an attribute is one that all builders have.
func isCommon(a schema.Attribute) bool {
	common, ok := buildBlock.attribute(a.Name)
	return ok && common == a
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
func (l *loader) buildKind(b *block) *blockType {
	name := b.labels[0].text
	if kind, ok := l.kinds[name]; ok {
		return kind
	}
	for _, builder := range l.builders {
		if builder.Label == name {
			l.kinds[name] = buildType(builder)
			return l.kinds[name]
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

func dirOf(file string) string { return filepath.Dir(file) }
