package fit

import (
	"fmt"
	"strings"

	"github.com/twofoldhq/twofold/targets"
)

// numbers compares the attributes that are one number each.
func (c *checker) numbers() {
	l, w := c.info.Limits, c.w
	for _, n := range []struct {
		path  string
		unit  targets.Unit
		limit targets.Limit
		value int64
	}{
		{"port", targets.UnitNumber, l.Port, int64(w.Port)},
		{"health.start", targets.UnitDuration, l.Start, int64(w.Start)},
		{"cpu", targets.UnitCPU, l.CPU, w.CPU},
		{"memory", targets.UnitMemory, l.Memory, w.Memory},
		{"timeout", targets.UnitDuration, l.Timeout, int64(w.Timeout)},
		{"scale.min", targets.UnitNumber, l.ScaleMin, int64(w.Scale.Min)},
		{"scale.max", targets.UnitNumber, l.ScaleMax, int64(w.Scale.Max)},
		{"scale.concurrency", targets.UnitNumber, l.Concurrency, int64(w.Scale.Concurrency)},
	} {
		if n.value != 0 {
			c.number(n.path, n.unit, n.limit, n.value)
		}
	}
}

// number reports a value that is not allowed, with the nearest that is.
func (c *checker) number(path string, u targets.Unit, l targets.Limit, value int64) {
	nearest, ok := l.Nearest(value)
	if ok {
		return
	}
	c.report(l.Soft, targets.Finding{
		Path:    path,
		Summary: fmt.Sprintf("%s of %s is %s", path, u.Text(value), relation(u, l, value)),
		Fix:     sentences(fmt.Sprintf("Write %s.", assignment(path, u.Value(nearest))), l.Note),
		Limit:   l.Text(u),
		Source:  l.Source,
	})
}

func relation(u targets.Unit, l targets.Limit, value int64) string {
	switch {
	case l.Min != 0 && value < l.Min:
		return "less than " + u.Text(l.Min)
	case l.Max != 0 && value > l.Max:
		return "more than " + u.Text(l.Max)
	}
	return "no multiple of " + u.Text(l.Step)
}

// assignment is the line of a manifest that sets an attribute of a service.
func assignment(path, value string) string {
	block, name, nested := strings.Cut(path, ".")
	if !nested {
		return fmt.Sprintf("%s = %s", path, value)
	}
	return fmt.Sprintf("%s { %s = %s }", block, name, value)
}

func sentences(list ...string) string {
	var full []string
	for _, s := range list {
		if s != "" {
			full = append(full, s)
		}
	}
	return strings.Join(full, " ")
}

func (c *checker) name() {
	l := c.info.Limits.Name
	if n := int64(len(c.w.Service)); l.Max != 0 && n > l.Max {
		c.report(l.Soft, targets.Finding{
			Summary: fmt.Sprintf("the service's name has %d characters, more than %d", n, l.Max),
			Fix:     sentences(fmt.Sprintf("Call it %q, or another name of at most %d characters.", strings.TrimRight(c.w.Service[:l.Max], "-"), l.Max), l.Note),
			Limit:   fmt.Sprintf("a name of %s characters", l.Text(targets.UnitNumber)),
			Source:  l.Source,
		})
	}
}

func (c *checker) health() {
	if c.w.Health != "" {
		return
	}
	c.report(true, targets.Finding{
		Path:    "health.path",
		Summary: "missing health path",
		Fix:     `Write health { path = "/healthz" }, with the path that answers 2xx when the app is ready. Without it twofold asks for /.`,
		Limit:   "an instance gets requests when its health path answers 2xx",
		Source:  guide,
	})
}

func (c *checker) volumes() {
	l := c.info.Limits.Volumes
	if l.Max == 0 || int64(len(c.w.Volumes)) <= l.Max {
		return
	}
	for _, v := range c.w.Volumes[l.Max:] {
		c.report(l.Soft, targets.Finding{
			Path:    "volume." + v.Name,
			Summary: fmt.Sprintf("%d volumes are more than %d", len(c.w.Volumes), l.Max),
			Fix:     sentences(fmt.Sprintf("Remove the block volume %q.", v.Name), l.Note),
			Limit:   fmt.Sprintf("%s a service", l.Text(targets.UnitNumber)),
			Source:  l.Source,
		})
	}
}
