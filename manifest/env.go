package manifest

import (
	"fmt"
	"sort"
	"strings"

	"github.com/zclconf/go-cty/cty"
)

// env reads the environment of a service, or of a hook. null removes a name that a
// merge or an override brought in. What is known only after a deploy is in
// unknown: the services that it waits for, by name. sensitive are the names whose
// values are never shown.
func (l *loader) env(a *attribute, i *instance) (env map[string]string, unknown map[string][]string, sensitive []string) {
	env = map[string]string{}
	var layers []*attribute
	for ; a != nil; a = a.under {
		layers = append(layers, a)
		if a.under != nil && l.isNull(a) {
			break // null removes the whole of it.
		}
	}
	hidden := map[string]bool{}
	for n := len(layers) - 1; n >= 0; n-- {
		layer := layers[n]
		members, _ := l.members(layer, "a map")
		for _, m := range members {
			delete(env, m.key)
			delete(unknown, m.key)
			delete(hidden, m.key)
			if !l.checkEnvName(m) {
				continue
			}
			value, marks := m.value.Unmark()
			switch {
			case !value.IsKnown():
				if waits := l.waitsFor(m, i); waits != nil {
					if unknown == nil {
						unknown = map[string][]string{}
					}
					unknown[m.key] = waits
				}
			case value.IsNull():
				continue
			default:
				text, ok := l.envText(m, value, len(marks) > 0)
				if !ok {
					continue
				}
				env[m.key] = text
			}
			if len(marks) > 0 {
				hidden[m.key] = true
			}
		}
	}
	for name := range hidden {
		sensitive = append(sensitive, name)
	}
	sort.Strings(sensitive)
	return env, unknown, sensitive
}

// waitsFor returns the services whose deploy makes a value known.
func (l *loader) waitsFor(m member, i *instance) []string {
	if m.from == nil {
		return nil
	}
	waits := l.servicesIn(m.from)
	if i != nil && contains(waits, i.name) {
		l.report(Diagnostic{
			Summary: fmt.Sprintf("The service %q refers to itself", i.name),
			Detail:  "What it gets when it is deployed is known only after that. Have the app read the Host header of its requests instead.",
		}, m.at)
		return nil
	}
	l.spend(len(waits), m.at)
	return waits
}

func (l *loader) checkEnvName(m member) bool {
	switch {
	case m.key == "PORT":
		l.report(Diagnostic{
			Summary: "PORT is set by the port attribute",
			Detail:  "Remove it from env and write port = 8080, with the port that the app listens on. The app finds it in $PORT.",
		}, m.keyAt)
		return false
	case !isIdentifier(m.key):
		detail := "Use letters, digits and underscores, and do not begin with a digit"
		if better := betterEnvName(m.key); better != "" {
			detail += fmt.Sprintf(", for example %s", better)
		}
		l.report(Diagnostic{Summary: fmt.Sprintf("Invalid name %q of an environment variable", m.key), Detail: detail + "."}, m.keyAt)
		return false
	}
	return true
}

func (l *loader) envText(m member, value cty.Value, isSensitive bool) (string, bool) {
	text, ok := textOf(value)
	if !ok {
		is := describe(value)
		if isSensitive {
			is = "a sensitive value"
		}
		help := "Turn it into text, for example with jsonencode(...)."
		if m.from != nil && value.Type().IsObjectType() && value.Type().HasAttribute("url") && len(l.analyze(m.from).refersTo("service")) > 0 {
			is, help = "a whole service", "Name what you need of it: service.NAME.url or service.NAME.name."
		}
		l.report(Diagnostic{
			Summary: fmt.Sprintf("The environment variable %q has to be a string, number or bool", m.key),
			Detail:  fmt.Sprintf("It is %s. %s", is, help),
		}, m.at)
		return "", false
	}
	if strings.ContainsRune(text, 0) {
		l.report(Diagnostic{
			Summary: fmt.Sprintf("The environment variable %q holds a zero byte", m.key),
			Detail:  "No platform can pass it on. Encode the value, for example with base64encode(...).",
		}, m.at)
		return "", false
	}
	return text, true
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
