// Package fit answers whether a service fits a target, before anything is built:
// the heart of twofold check.
//
// It knows no target. It compares a workload with the limits and gaps that a
// target states as data, and asks the target's own rules for the rest.
package fit

import (
	"slices"
	"strings"

	"github.com/twofoldhq/twofold/release"
	"github.com/twofoldhq/twofold/targets"
)

// guide is where the manifest's own rules are written.
const guide = "The manifest, https://github.com/twofoldhq/twofold/blob/main/docs/manifest.md"

// builders is where the rules of forms are written.
const builders = "The builders, https://github.com/twofoldhq/twofold/blob/main/docs/builders.md"

// Check returns the ways in which the service does not fit the target: errors
// first, then by path. It reads nothing and connects to nothing. None of its
// texts holds the value of a variable.
func Check(info targets.Info, w targets.Workload) []targets.Finding {
	c := &checker{info: info, w: w}
	c.numbers()
	c.name()
	c.health()
	c.forms()
	c.sizes()
	c.env()
	c.features()
	c.volumes()
	c.hooks()
	if info.Check != nil {
		c.found = append(c.found, info.Check(w)...)
	}
	slices.SortStableFunc(c.found, func(a, b targets.Finding) int {
		if a.Severity != b.Severity {
			if a.Severity == targets.Error {
				return -1
			}
			return 1
		}
		if n := strings.Compare(a.Path, b.Path); n != 0 {
			return n
		}
		return strings.Compare(a.Summary, b.Summary)
	})
	return c.found
}

type checker struct {
	info  targets.Info
	w     targets.Workload
	found []targets.Finding
}

func (c *checker) report(soft bool, f targets.Finding) {
	f.Severity = targets.Error
	if soft {
		f.Severity = targets.Warning
	}
	c.found = append(c.found, f)
}

// form is the form that the target would run, or "".
func (c *checker) form() release.Kind {
	for _, f := range c.info.Forms {
		if slices.Contains(c.w.Forms, f) {
			return f
		}
	}
	return ""
}
