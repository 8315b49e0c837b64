package manifest

import (
	"fmt"
	"path"
	"sort"
	"strings"
	"time"
	_ "time/tzdata" // time zones of schedules, also on machines that have no list of them
)

// triggers reads the blocks that bring work or data to a service.
func (l *loader) triggers(n *node, s *Service) {
	for _, inner := range n.nodes {
		l.reading = inner.kind
		switch inner.kind.name {
		case "secret":
			l.secret(inner, s)
		case "schedule":
			l.schedule(inner, s)
		case "on":
			l.trigger(inner, s)
		case "volume":
			l.volume(inner, s)
		}
		l.reading = nil
	}
}

// enabled reports whether a block counts. Its attributes are checked all the same.
func (l *loader) enabled(n *node) bool {
	on, set := l.bool(n.attr("enabled"))
	return on || !set
}

// checkLabel reports a name of a trigger or a volume that platforms cannot use.
func (l *loader) checkLabel(n *node, i int) {
	label := n.block.labels[i]
	if problem := checkName(label.text); problem != "" {
		l.report(Diagnostic{Summary: fmt.Sprintf("Invalid %s name %q", n.kind.name, label.text), Detail: problem}, label.at)
	}
}

func (l *loader) secret(n *node, s *Service) {
	name := n.label(0)
	from, ok := l.string(n.attr("from"))
	if ok && strings.TrimSpace(from) == "" {
		l.invalid(n.attr("from"), n.attr("from").place(), "It is empty. It is the secret's name in the target's own store, such as \"shop/database-url\".")
	}
	label := n.block.labels[0]
	switch _, inEnv := s.Env[name]; {
	case name == "PORT" || !isIdentifier(name):
		l.checkEnvName(member{key: name, keyAt: label.at})
	case inEnv || s.Unknown[name] != nil:
		l.report(Diagnostic{
			Summary: fmt.Sprintf("%q is both a secret and in env", name),
			Detail:  "An environment variable has one value. Remove one of the two.",
		}, n.block.header)
	}
	s.Secrets = append(s.Secrets, Secret{Name: name, From: from})
}

func (l *loader) schedule(n *node, s *Service) {
	l.checkLabel(n, 0)
	t := Schedule{Name: n.label(0), Timezone: DefaultTimezone}
	if a := n.attr("cron"); a != nil {
		if text, ok := l.string(a); ok {
			if problem := checkCron(text); problem != "" {
				l.invalid(a, a.place(), problem)
			}
			t.Cron = text
		}
	}
	t.Path, _ = l.path(n.attr("path"), "A path")
	if zone, ok := l.string(n.attr("timezone")); ok {
		t.Timezone = zone
		if problem := checkZone(zone); problem != "" {
			l.invalid(n.attr("timezone"), n.attr("timezone").place(), problem)
		}
	}
	t.Target = l.oneTarget(n.attr("target"))
	if l.enabled(n) {
		s.Schedules = append(s.Schedules, t)
	}
}

// checkZone returns what is wrong with the name of a time zone, or "".
func checkZone(name string) string {
	if _, err := time.LoadLocation(name); err == nil && name != "" && name != "Local" {
		return ""
	}
	return fmt.Sprintf("There is no time zone %q. Use an IANA name such as \"UTC\", \"Europe/Berlin\" or \"America/New_York\".", name)
}

func (l *loader) trigger(n *node, s *Service) {
	l.checkLabel(n, 1)
	t := Trigger{Kind: n.label(0), Name: n.label(1), Batch: 1}
	source, ok := l.string(n.attr("source"))
	if ok && strings.TrimSpace(source) == "" {
		l.invalid(n.attr("source"), n.attr("source").place(), "It is empty. It names what the events come from.")
	}
	t.Source = source
	t.Path, _ = l.path(n.attr("path"), "A path")
	t.Target = l.oneTarget(n.attr("target"))
	switch t.Kind {
	case "queue":
		if batch, ok := l.bounded(n.attr("batch"), 1, 10_000); ok {
			t.Batch = batch
		}
		mode, _ := l.choice(n.attr("batch_mode"), []string{"each", "whole"})
		t.Whole = mode == "whole"
	case "object":
		t.Created = true
		if events, ok := l.choices(n.attr("events"), []string{"created", "removed"}); ok {
			t.Created, t.Removed = contains(events, "created"), contains(events, "removed")
		}
		t.Prefix, _ = l.string(n.attr("prefix"))
		t.Suffix, _ = l.string(n.attr("suffix"))
	}
	if l.enabled(n) {
		s.Triggers = append(s.Triggers, t)
	}
}

func (l *loader) volume(n *node, s *Service) {
	l.checkLabel(n, 0)
	v := Volume{Name: n.label(0)}
	if a := n.attr("path"); a != nil {
		if text, ok := l.string(a); ok {
			if problem := checkMount(text); problem != "" {
				l.invalid(a, a.place(), problem)
			}
			for _, other := range s.Volumes {
				if other.Path == text {
					l.invalid(a, a.place(), fmt.Sprintf("The volume %q has the same path.", other.Name))
				}
			}
			v.Path = text
		}
	}
	v.Size, _ = l.memory(n.attr("size"))
	v.ReadOnly, _ = l.bool(n.attr("read_only"))
	s.Volumes = append(s.Volumes, v)
}

// checkMount returns what is wrong with the path of a volume, or "".
func checkMount(p string) string {
	switch {
	case !strings.HasPrefix(p, "/"):
		return fmt.Sprintf("It is a path inside of the app's files, and begins with a slash. Did you mean %q?", "/mnt/"+strings.TrimLeft(path.Clean("/"+p), "/"))
	case strings.ContainsFunc(p, func(r rune) bool { return r < ' ' || r == 0x7f || r == ':' || r == ',' }):
		return "It has no control characters, colons or commas."
	case path.Clean(p) != p:
		return fmt.Sprintf("Write it in its shortest form: %q.", path.Clean(p))
	case p == "/" || p == "/app" || strings.HasPrefix(p, "/app/") || p == "/proc" || p == "/sys" || p == "/dev" || p == "/etc" || p == "/usr" || p == "/bin" || p == "/lib" || p == "/tmp" || p == "/var":
		return "A volume there would hide files that the app or the system needs. Use a folder of its own, such as \"/mnt/data\"."
	}
	return ""
}

// DefaultHookTimeout is how long a hook may take that does not say.
const DefaultHookTimeout = 10 * time.Minute

// hook reads a hook; nil is one that is not enabled.
func (l *loader) hook(n *node, i *instance) *Hook {
	l.reading = n.kind
	defer func() { l.reading = nil }()
	l.checkLabel(n, 0)
	h := &Hook{Name: n.label(0), Timeout: DefaultHookTimeout}
	when, _ := l.choice(n.attr("when"), []string{"before", "after"})
	h.After = when == "after"
	if run, ok := l.strings(n.attr("run")); ok {
		if len(run) == 0 || run[0] == "" {
			l.invalid(n.attr("run"), n.attr("run").place(), "The command is empty.")
		}
		h.Run = run
	}
	where, _ := l.choice(n.attr("where"), []string{"release", "machine"})
	h.OnMachine = where == "machine"
	if timeout, ok := l.duration(n.attr("timeout")); ok {
		h.Timeout = timeout
	}
	var unknown map[string][]string
	h.Env, unknown, h.Sensitive = l.env(n.attr("env"), nil)
	for name := range unknown {
		l.report(Diagnostic{
			Summary: "The value is known only after the deploy",
			Detail:  "A hook's own env has to be known before. Put it into the env of the service, which the hook gets as well.",
		}, n.find("env."+name))
	}
	if !l.enabled(n) {
		return nil
	}
	return h
}

// oneTarget reads an attribute that names a target: "" is none.
func (l *loader) oneTarget(a *attribute) string {
	list := l.targetList(a)
	switch len(list) {
	case 0:
		return ""
	case 1:
		return list[0]
	}
	l.invalid(a, a.place(), "It is one target, not a list: an event is received once.")
	return ""
}

// targetList reads an attribute that names a target or several.
func (l *loader) targetList(a *attribute) []string {
	v, ok := l.value(a)
	if !ok {
		return nil
	}
	var names []string
	if text, isText := textOf(v); isText {
		names = []string{text}
	} else if names, ok = l.strings(a); !ok {
		return nil
	} else if len(names) == 0 {
		l.invalid(a, a.place(), "The list is empty. Remove it, or name a target.")
		return nil
	}
	var list []string
	for i, name := range names {
		at := a.place()
		if len(names) > 1 {
			at = itemRange(a, i)
		}
		name = strings.TrimPrefix(name, "target.")
		switch {
		case !l.addresses[name]:
			l.report(Diagnostic{
				Summary: fmt.Sprintf("There is no target %q", name),
				Detail:  l.helpTarget(name),
			}, at)
		case contains(list, name):
			l.invalid(a, at, fmt.Sprintf("The target %s is named twice.", name))
		default:
			list = append(list, name)
		}
	}
	return list
}

func (l *loader) helpTarget(name string) string {
	addresses := keysOf(l.addresses)
	sort.Strings(addresses)
	for _, address := range addresses {
		if strings.HasSuffix(address, "."+name) {
			return fmt.Sprintf("Did you mean target.%s?", address)
		}
	}
	if near := nearest(name, addresses); near != "" {
		return fmt.Sprintf("Did you mean target.%s?", near)
	}
	return list("The targets are", addresses)
}
