package cli

import (
	"fmt"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/twofoldhq/twofold/manifest"
	"github.com/twofoldhq/twofold/targets"
)

// targetJSON is a target, or a plugin that a target block can name.
type targetJSON struct {
	targets.Capabilities
	// Deploys: this twofold deploys to it. Declared: the manifest has a block for it.
	Deploys  bool `json:"deploys"`
	Declared bool `json:"declared,omitempty"`
}

// describeTargets shows what each target takes, or all about the one that is named.
func (c *commands) describeTargets(x *cli.Context) error {
	if x.Args().Len() > 1 {
		return usageError(fmt.Sprintf("targets takes one target, and got %d", x.Args().Len()), "twofold targets")
	}
	m, err := c.optionalManifest(x)
	if err != nil {
		return err
	}
	list, err := places(m)
	if err != nil {
		return err
	}
	plugins, err := plugins()
	if err != nil {
		return err
	}
	// A plugin of which no target is declared is shown as a target that could be.
	for _, p := range plugins {
		label := p.Settings.Label
		if label != localPlugin && !declares(list, label) {
			list = append(list, place{address: label + ".NAME", name: "NAME", plugin: p})
		}
	}
	if name := x.Args().First(); name != "" {
		if list, err = named(list, name); err != nil {
			return err
		}
	}
	var described []targetJSON
	for _, p := range list {
		info, err := p.describe()
		if err != nil {
			return err
		}
		d := targetJSON{info.Capabilities(), p.opens(), p.manifest != nil}
		if !d.Deploys {
			d.Operations = []string{} // none works yet
		}
		described = append(described, d)
	}
	switch {
	case x.Bool("json"):
		return c.json(described)
	case x.Args().Present():
		for _, d := range described {
			if err := c.writeTarget(d); err != nil {
				return err
			}
		}
		return nil
	}
	return c.writeTargets(described)
}

// optionalManifest returns nil where there is no manifest, and where one that the
// command line does not name has errors: the targets that are there anyway are
// shown all the same.
func (c *commands) optionalManifest(x *cli.Context) (*manifest.Manifest, error) {
	m, diagnostics := manifest.Load(manifestOptions(x))
	err := diagnostics.Err()
	if err == nil {
		return m, nil
	}
	if x.IsSet("manifest") || x.IsSet("env") {
		return nil, err
	}
	if !strings.HasPrefix(err.Error(), "No manifest") {
		fmt.Fprintf(c.err, "the targets that the manifest declares are not shown: %v\n", err)
	}
	return nil, nil
}

func declares(list []place, plugin string) bool {
	for _, p := range list {
		if strings.HasPrefix(p.address, plugin+".") {
			return true
		}
	}
	return false
}

// named returns the targets of a plugin, or the one of a name.
func named(list []place, name string) ([]place, error) {
	var found []place
	for _, p := range list {
		if strings.HasPrefix(p.address, name+".") {
			found = append(found, p)
		}
	}
	if len(found) > 0 {
		return found, nil
	}
	p, err := findPlace(list, name)
	return []place{p}, err
}

func (t *terminal) writeTargets(list []targetJSON) error {
	rows := [][]string{{"TARGET", "FORMS", "PLATFORMS", "ALSO", "WHAT IT IS"}}
	for _, d := range list {
		doc := d.Doc
		if !d.Deploys {
			doc += " This version checks services for it and does not deploy."
		}
		rows = append(rows, []string{d.Target, strings.Join(d.Forms, ", "), strings.Join(d.Platforms, ", "), strings.Join(d.Operations, ", "), doc})
	}
	return t.table(rows)
}

// writeTarget shows all about one target.
func (t *terminal) writeTarget(d targetJSON) error {
	fmt.Fprintf(t.out, "%s\n%s\n\n", d.Target, d.Doc)
	if !d.Deploys {
		fmt.Fprintf(t.out, "This version checks services for it and does not deploy.\n\n")
	}
	rows := [][]string{{"forms", strings.Join(d.Forms, ", ")}, {"platforms", strings.Join(d.Platforms, ", ")}}
	if len(d.Runtimes) > 0 {
		rows = append(rows, []string{"runtimes", strings.Join(d.Runtimes, ", ")})
	}
	if len(d.Operations) > 0 {
		rows = append(rows, []string{"also", strings.Join(d.Operations, ", ")})
	}
	if err := t.table(rows); err != nil || len(d.Limits)+len(d.Lacks) == 0 {
		return err
	}
	fmt.Fprintln(t.out)
	rows = [][]string{{"LIMIT", "VALUE", "BEYOND IT", "SOURCE"}}
	for _, l := range d.Limits {
		rows = append(rows, []string{l.Name, l.Limit, beyond(l.Soft), l.Source})
	}
	for _, l := range d.Lacks {
		rows = append(rows, []string{l.Feature, "none: " + l.Reason, beyond(l.Soft), l.Source})
	}
	if err := t.table(rows); err != nil {
		return err
	}
	_, err := fmt.Fprintln(t.out)
	return err
}

func beyond(soft bool) string {
	if soft {
		return "a warning"
	}
	return "an error"
}
