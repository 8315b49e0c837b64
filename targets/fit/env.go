package fit

import (
	"fmt"
	"slices"
	"strings"

	"github.com/twofoldhq/twofold/targets"
)

// env compares the sizes of the environment. Of a variable whose value is not
// known yet, the name counts.
func (c *checker) env() {
	names := make([]string, 0, len(c.w.Env))
	var total int64
	for name := range c.w.Env {
		names = append(names, name)
		total += c.variable(name)
	}
	slices.Sort(names)
	if l := c.info.Limits.Variable; l.Max != 0 {
		for _, name := range names {
			c.oneVariable(name, l)
		}
	}
	l := c.info.Limits.Env
	if l.Max == 0 || total <= l.Max {
		return
	}
	slices.SortStableFunc(names, func(a, b string) int { return int(c.variable(b) - c.variable(a)) })
	var largest []string
	for _, name := range names[:min(3, len(names))] {
		largest = append(largest, fmt.Sprintf("%s (%s)", name, targets.SizeText(c.variable(name))))
	}
	c.report(l.Soft, targets.Finding{
		Path:    "env",
		Summary: fmt.Sprintf("the environment has %s, more than %s", targets.SizeText(total), targets.SizeText(l.Max)),
		Fix:     sentences(fmt.Sprintf("Take away %s or more; the largest are %s.", targets.SizeText(total-l.Max), strings.Join(largest, ", ")), l.Note),
		Limit:   l.Text(targets.UnitBytes) + " of names and values",
		Source:  l.Source,
	})
}

// variable is the bytes of a variable's name and value.
func (c *checker) variable(name string) int64 {
	if slices.Contains(c.w.Unknown, name) {
		return int64(len(name))
	}
	return int64(len(name) + len(c.w.Env[name]))
}

func (c *checker) oneVariable(name string, l targets.Limit) {
	bytes := c.variable(name) + 1 // the equals sign
	if bytes <= l.Max {
		return
	}
	c.report(l.Soft, targets.Finding{
		Path:    "env." + name,
		Summary: fmt.Sprintf("the variable has %s, more than %s", targets.SizeText(bytes), targets.SizeText(l.Max)),
		Fix:     sentences("Put the value into a file of the service, and the file's name into the variable.", l.Note),
		Limit:   l.Text(targets.UnitBytes) + " for NAME=value",
		Source:  l.Source,
	})
}
