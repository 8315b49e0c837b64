package fit

import (
	"fmt"
	"slices"
	"strings"

	"github.com/twofoldhq/twofold/build"
	"github.com/twofoldhq/twofold/release"
	"github.com/twofoldhq/twofold/targets"
)

// forms compares what the builder makes with what the target runs.
func (c *checker) forms() {
	if len(c.w.Forms) > 0 && c.form() == "" {
		c.report(false, targets.Finding{
			Path:    "build",
			Summary: fmt.Sprintf("the builder makes no %s", c.info.Forms[0]),
			Fix:     fmt.Sprintf("Build the service with a builder that makes it, such as build \"command\", or give %s a target that runs the %s.", c.w.Service, c.w.Forms[0]),
			Limit:   fmt.Sprintf("%s runs the %s only", c.info.Address(), kinds(c.info.Forms)),
			Source:  builders,
		})
	}
	c.platforms()
	if c.form() == release.Bundle {
		c.runtime()
		c.base()
	}
}

func kinds(list []release.Kind) string {
	var words []string
	for _, k := range list {
		words = append(words, string(k))
	}
	return strings.Join(words, " and the ")
}

func (c *checker) platforms() {
	if len(c.w.Platforms) == 0 || len(c.info.Platforms) == 0 {
		return
	}
	for _, p := range c.info.Platforms {
		if slices.Contains(c.w.Platforms, p) {
			return
		}
	}
	c.report(false, targets.Finding{
		Path:    "build.platforms",
		Summary: fmt.Sprintf("%s does not run %s", c.info.Address(), platformList(c.w.Platforms)),
		Fix:     fmt.Sprintf("Write platforms = %s in the build block.", quoted(append(slices.Clone(c.w.Platforms), c.info.Platforms[0]))),
		Limit:   "the target runs " + platformList(c.info.Platforms),
		Source:  builders,
	})
}

func platformList(list []build.Platform) string {
	var words []string
	for _, p := range list {
		words = append(words, p.String())
	}
	return strings.Join(words, ", ")
}

func quoted(list []build.Platform) string {
	var words []string
	for _, p := range list {
		words = append(words, fmt.Sprintf("%q", p.String()))
	}
	return "[" + strings.Join(words, ", ") + "]"
}

func (c *checker) runtime() {
	if c.w.Runtime == "" || c.info.Runtimes == nil || slices.Contains(c.info.Runtimes, c.w.Runtime) {
		return
	}
	language := strings.TrimRight(c.w.Runtime, "0123456789.x")
	nearest := ""
	for _, r := range c.info.Runtimes {
		if strings.TrimRight(r, "0123456789.x") == language {
			nearest = r // the newest is last
		}
	}
	fix := "Give the service a target that runs the image."
	if nearest != "" {
		fix = fmt.Sprintf("Write runtime = %q in the build block.", nearest)
	}
	c.report(false, targets.Finding{
		Path:    "build",
		Summary: fmt.Sprintf("%s has no runtime %s", c.info.Address(), c.w.Runtime),
		Fix:     fix,
		Limit:   "the runtimes " + strings.Join(c.info.Runtimes, ", "),
		Source:  builders,
	})
}

func (c *checker) base() {
	if !c.w.Base || c.w.Runtime != "" {
		return
	}
	c.report(true, targets.Finding{
		Path:    "build.base",
		Summary: "the files of base are not in the bundle",
		Fix:     "Put what the app needs of them into the build's output; for a language's interpreter, write runtime in the build block. An app that needs none of them runs as it is.",
		Limit:   "a bundle holds the app tree and the adapter",
		Source:  builders,
	})
}

// sizes compares what was built last.
func (c *checker) sizes() {
	b, l := c.w.Built, c.info.Limits
	if b == nil {
		return
	}
	switch c.form() {
	case release.Bundle:
		c.size("the bundle", b.Bundle, l.Zip)
		c.size("the unpacked bundle", b.Unpacked, l.Unpacked)
	case release.Image:
		c.size("the image", b.Image, l.Image)
	}
}

func (c *checker) size(what string, bytes int64, l targets.Limit) {
	if l.Max == 0 || bytes <= l.Max {
		return
	}
	fix := "Leave files out of the build's output that the app does not need."
	if l.Soft {
		fix = ""
	}
	c.report(l.Soft, targets.Finding{
		Path:    "build",
		Summary: fmt.Sprintf("%s has %s, more than %s", what, targets.SizeText(bytes), targets.SizeText(l.Max)),
		Fix:     sentences(fix, l.Note),
		Limit:   fmt.Sprintf("%s: %s", what, l.Text(targets.UnitBytes)),
		Source:  l.Source,
	})
}
