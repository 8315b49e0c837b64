package manifest

import (
	"fmt"
	"path"
	"regexp"
	"sort"
	"strings"
	"time"
	_ "time/tzdata" // time zones of schedules, also on machines that have no list of them
)

// triggers reads the blocks that bring work or data to a service.
func (l *loader) triggers(n *node, s *Service) {
	mounts := map[string]string{}
	for _, inner := range n.nodes {
		switch inner.kind.name {
		case "secret", "schedule", "on", "volume", "hook":
			l.required(inner)
		}
		l.reading = inner.kind
		switch inner.kind.name {
		case "secret":
			l.secret(inner, s)
		case "schedule":
			l.schedule(inner, s)
		case "on":
			l.trigger(inner, s)
		case "volume":
			l.volume(inner, s, mounts)
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
	if zoneExists(name) {
		return ""
	}
	help := "Use an IANA name such as \"UTC\", \"Europe/Berlin\" or \"America/New_York\"."
	if offset.MatchString(name) {
		help = "An offset is no time zone, since summer time moves it. " + help
	} else if better := betterZone(name); better != "" {
		help = fmt.Sprintf("Did you mean %q?", better)
	}
	return fmt.Sprintf("There is no time zone %q. %s", name, help)
}

var (
	// zoneName keeps to the names that are the same on all machines: not
	// "localtime", and not another case, which some file systems take.
	zoneName = regexp.MustCompile(`^[A-Z][A-Za-z0-9_+-]*(/[A-Z][A-Za-z0-9_+-]*)*$`)
	offset   = regexp.MustCompile(`^(?i:utc|gmt)?[+-][0-9]{1,2}(:?[0-9]{2})?$`)
)

func zoneExists(name string) bool {
	if !zoneName.MatchString(name) || name == "Local" || name == "Factory" {
		return false
	}
	_, err := time.LoadLocation(name)
	return err == nil
}

// foreignZones are names that people use, and that mean a zone of IANA's.
var foreignZones = map[string]string{
	"pst": "America/Los_Angeles", "pdt": "America/Los_Angeles", "pacific": "America/Los_Angeles", "edt": "America/New_York", "eastern": "America/New_York",
	"cst": "America/Chicago", "cdt": "America/Chicago", "cest": "Europe/Berlin", "bst": "Europe/London", "ist": "Asia/Kolkata", "jst": "Asia/Tokyo", "z": "UTC", "zulu": "UTC",
}

// betterZone returns what "europe/berlin" or "Berlin" most likely means, or "".
func betterZone(name string) string {
	if known := foreignZones[strings.ToLower(name)]; known != "" {
		return known
	}
	if len(name) > 40 {
		return ""
	}
	words := strings.FieldsFunc(strings.ToLower(name), func(r rune) bool { return r == '_' || r == ' ' })
	for i, word := range words {
		parts := strings.Split(word, "/")
		for j, part := range parts {
			if part != "" {
				parts[j] = strings.ToUpper(part[:1]) + part[1:]
			}
		}
		words[i] = strings.Join(parts, "/")
	}
	titled := strings.Join(words, "_")
	for _, candidate := range []string{strings.ToUpper(name), titled, "Europe/" + titled, "America/" + titled, "Asia/" + titled, "Africa/" + titled, "Australia/" + titled} {
		if zoneExists(candidate) {
			return candidate
		}
	}
	return ""
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

// volume reads a volume; mounts are the names of those before it, by path.
func (l *loader) volume(n *node, s *Service, mounts map[string]string) {
	l.checkLabel(n, 0)
	v := Volume{Name: n.label(0)}
	if a := n.attr("path"); a != nil {
		if text, ok := l.string(a); ok {
			if problem := checkMount(text); problem != "" {
				l.invalid(a, a.place(), problem)
			}
			if other, taken := mounts[text]; taken {
				l.invalid(a, a.place(), fmt.Sprintf("The volume %q has the same path. Give each a folder of its own.", other))
			} else {
				mounts[text] = v.Name
			}
			v.Path = text
		}
	}
	v.Size = l.size(n.attr("size"))
	v.ReadOnly, _ = l.bool(n.attr("read_only"))
	s.Volumes = append(s.Volumes, v)
}

// size reads how much a volume holds; 0 is unset.
func (l *loader) size(a *attribute) int64 {
	text, ok := l.unit(a, "an amount of storage", sizeWanted)
	if !ok {
		return 0
	}
	bytes, problem := parseMemory(text)
	if problem != "" {
		l.invalid(a, a.place(), strings.NewReplacer("an amount of memory", "an amount of storage", " for any program", "", memoryWanted, sizeWanted).Replace(problem))
		return 0
	}
	return bytes
}

const sizeWanted = "Write a number with Mi, Gi or Ti (powers of 1024) or M, G or T (powers of 1000), such as \"10Gi\"."

// checkMount returns what is wrong with the path of a volume, or "".
func checkMount(p string) string {
	switch {
	case p == "":
		return "It is empty. Use a folder of its own, such as \"/mnt/data\"."
	case !strings.HasPrefix(p, "/"):
		return fmt.Sprintf("It is a path inside of the app's files, and begins with a slash. Did you mean %q?", "/mnt/"+strings.TrimLeft(path.Clean("/"+p), "/"))
	case strings.ContainsFunc(p, func(r rune) bool { return r < ' ' || r == 0x7f || r == ':' || r == ',' }):
		return "It has no control characters, colons or commas."
	case path.Clean(p) != p && checkMount(path.Clean(p)) == "":
		return fmt.Sprintf("Write it in its shortest form: %q.", path.Clean(p))
	case path.Clean(p) != p:
		return checkMount(path.Clean(p))
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
	l.invalid(a, a.place(), "It is one target, not a list: an event is received once. Name one, such as target.local.function.")
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
	} else if t := v.Type(); t.IsObjectType() || t.IsMapType() {
		l.report(Diagnostic{
			Summary: fmt.Sprintf("%q has to be a target", a.name),
			Detail:  "A target is written with its plugin and its name: target.PLUGIN.NAME. " + l.listTargets(),
		}, a.place())
		return nil
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
		case !l.scope.addresses[name]:
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
	if len(l.scope.addresses) > many {
		return tooManyToList
	}
	addresses := keysOf(l.scope.addresses)
	sort.Strings(addresses)
	for _, address := range addresses {
		if strings.HasSuffix(address, "."+name) {
			return fmt.Sprintf("Did you mean target.%s?", address)
		}
	}
	if near := nearest(name, addresses); near != "" {
		return fmt.Sprintf("Did you mean target.%s?", near)
	}
	return l.listTargets()
}

func (l *loader) listTargets() string { return list("The targets are", keysOf(l.scope.addresses)) }
