package manifest

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/twofoldhq/twofold/manifest/schema"
)

// DefaultWait is how long each step of a rollout is watched.
const DefaultWait = time.Minute

// The strategies of a deploy block.
const (
	strategyAtOnce = "all-at-once"
	strategyCanary = "canary"
)

// Rollout is how live traffic moves from one release to the next.
type Rollout struct {
	// Steps are percentages of the traffic, each more than the one before, from 1
	// to 99; none moves all of it at once.
	Steps []int
	// Wait is how long each step is watched.
	Wait time.Duration
	// MaxErrors is the share of the new release's requests that may fail, in percent.
	MaxErrors float64
}

var deployBlock = &blockType{
	name:    "deploy",
	doc:     "How live traffic moves from one release to the next.",
	example: "deploy {\n  strategy = \"canary\"\n  steps    = [\"10%\", \"50%\"]\n}",
	attrs: []schema.Attribute{
		{Name: "strategy", Type: typeChoice, Choices: []string{strategyAtOnce, strategyCanary}, Default: `"canary" where there are steps, else "all-at-once"`, Doc: "Whether all of the traffic moves when the new release is healthy, or in steps, and back by itself when the new release is worse.", Example: `"canary"`},
		{Name: "steps", Type: typePercents, Default: `["10%"] with the strategy "canary"`, Doc: "The parts of the traffic that the new release has one after the other; all of it comes last.", Example: `["5%", "25%", "50%"]`},
		{Name: "wait", Type: typeDuration, Default: `"1m"`, Doc: "How long each step is watched.", Example: `"5m"`},
		{Name: "max_errors", Type: typePercent, Default: `"1%"`, Doc: "How many of the new release's requests may fail during a step, where the target counts them. Its health path has to answer in any case.", Example: `"0.5%"`},
	},
	once: true,
	foreign: map[string]string{"type": "strategy", "mode": "strategy", "stages": "steps", "weights": "steps", "percentages": "steps", "percent": "steps",
		"interval": "wait", "duration": "wait", "bake": "wait", "pause": "wait", "max_error_rate": "max_errors", "error_rate": "max_errors", "threshold": "max_errors"},
}

const percentWanted = "a percentage, such as \"10%\""

// rollout reads a deploy block.
func (l *loader) rollout(n *node) Rollout {
	r := Rollout{Wait: DefaultWait, MaxErrors: 1}
	if wait, ok := l.duration(n.attr("wait")); ok {
		r.Wait = wait
	}
	if a := n.attr("max_errors"); a != nil {
		if text, ok := l.unit(a, percentWanted, "Write "+percentWanted+"."); ok {
			percent, problem := parsePercent(text)
			if problem == "" && percent > 100 {
				problem = "It is more than 100%."
			}
			if problem != "" {
				l.invalid(a, a.place(), problem)
			}
			r.MaxErrors = percent
		}
	}
	strategy, _ := l.choice(n.attr("strategy"), []string{strategyAtOnce, strategyCanary})
	steps := n.attr("steps")
	if steps != nil && strategy == strategyAtOnce {
		l.invalid(steps, steps.place(), "The strategy \"all-at-once\" has no steps. Remove them, or write strategy = \"canary\".")
		return Rollout{}
	}
	r.Steps = l.steps(steps)
	if len(r.Steps) == 0 && strategy == strategyCanary && steps == nil {
		r.Steps = []int{10}
	}
	if len(r.Steps) == 0 {
		return Rollout{}
	}
	return r
}

func (l *loader) steps(a *attribute) []int {
	texts, ok := l.strings(a)
	if !ok {
		return nil
	}
	var steps []int
	for i, text := range texts {
		percent, problem := parsePercent(text)
		whole := int(percent)
		switch {
		case problem != "":
		case float64(whole) != percent:
			problem = fmt.Sprintf("%q is no whole percentage.", text)
		case whole < 1 || whole > 99:
			problem = fmt.Sprintf("It is %s%%, and has to be from 1%% to 99%%: all of the traffic comes after the last step.", strings.TrimSuffix(text, "%"))
		case len(steps) > 0 && whole <= steps[len(steps)-1]:
			problem = fmt.Sprintf("%d%% is not more than the %d%% before it. Sort the steps, the smallest first.", whole, steps[len(steps)-1])
		}
		if problem != "" {
			l.invalid(a, itemRange(a, i), problem)
			return nil
		}
		steps = append(steps, whole)
	}
	return steps
}

func parsePercent(text string) (float64, string) {
	number := strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(text), "%"))
	percent, err := strconv.ParseFloat(number, 64)
	if err != nil || percent < 0 || percent > 1e6 || number == "" || strings.ContainsAny(number, "xXpPeE_") || percent != percent {
		return 0, fmt.Sprintf("%q is no percentage. Write %s.", text, percentWanted)
	}
	return percent, ""
}

// hostName is compiled when it is first used.
var hostName = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$`)
})

// oneServiceOfDomain reports the services of one target that are public under the same
// host name: requests can reach one of them alone.
func (l *loader) oneServiceOfDomain(services []*Service, instances []*instance) {
	type place struct{ target, domain string }
	first := map[place]int{}
	for i, s := range services {
		if s.Domain == "" {
			continue
		}
		a := instances[i].node.attr("domain")
		for _, target := range s.Targets {
			before, taken := first[place{target, s.Domain}]
			if !taken {
				first[place{target, s.Domain}] = i
				continue
			}
			l.report(Diagnostic{
				Summary: fmt.Sprintf("The services %q and %q have the same domain", services[before].Name, s.Name),
				Detail:  fmt.Sprintf("Requests for %s can reach one service of %s. Give each a host name of its own.", s.Domain, target),
				Notes:   []Note{{"the first one is here", rangeOf(instances[before].node.attr("domain").place())}},
			}, a.place())
			break
		}
	}
}

// domain reads a host name.
func (l *loader) domain(a *attribute) string {
	text, ok := l.string(a)
	if !ok {
		return ""
	}
	if len(text) <= 253 && hostName().MatchString(text) {
		return text
	}
	better := strings.ToLower(strings.TrimSpace(text))
	if i := strings.Index(better, "://"); i >= 0 {
		better = better[i+3:]
	}
	better, _, _ = strings.Cut(better, "/")
	better, _, _ = strings.Cut(better, ":")
	better = strings.TrimSuffix(better, ".")
	detail := "It is a host name in lower case, such as \"api.example.com\", without https:// and without a path."
	if better != text && len(better) <= 253 && hostName().MatchString(better) {
		detail += fmt.Sprintf(" Did you mean %q?", better)
	}
	l.invalid(a, a.place(), detail)
	return ""
}
