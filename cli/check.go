package cli

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/twofoldhq/twofold/manifest"
	"github.com/twofoldhq/twofold/targets"
	"github.com/twofoldhq/twofold/targets/fit"
)

func (c *commands) check() *cli.Command {
	return command(&cli.Command{
		Name:      "check",
		Usage:     "will each service fit its targets? offline, each finding with its fix",
		ArgsUsage: "[SERVICE...]",
		Description: "Compares what each service asks for with what its targets allow, in each environment, or in the one of --env.\n" +
			"Nothing is built and nobody is asked. What was built before is compared with the limits of sizes.",
		Flags: flags(manifestFlags(), toFlag(), jsonFlag()),
		Action: func(x *cli.Context) error {
			manifests, err := c.loadAll(x)
			var invalid *manifest.Diagnostics
			if x.Bool("json") && errors.As(err, &invalid) {
				return c.writeInvalid(invalid)
			}
			if err != nil {
				return err
			}
			report, err := c.checkAll(x, manifests)
			if err != nil {
				return err
			}
			if x.Bool("json") {
				err = c.json(report)
			} else {
				err = c.writeCheck(report)
			}
			if err == nil && report.Errors > 0 {
				return exitCode(exitFailed)
			}
			return err
		},
	})
}

// writeInvalid is the outcome of a check of a manifest that says nothing.
func (t *terminal) writeInvalid(d *manifest.Diagnostics) error {
	if err := t.json(struct {
		Fits        bool                  `json:"fits"`
		Diagnostics *manifest.Diagnostics `json:"diagnostics"`
	}{false, d}); err != nil {
		return err
	}
	return exitCode(exitUsage)
}

// checkJSON is the outcome of a check.
type checkJSON struct {
	Fits     bool          `json:"fits"`
	Errors   int           `json:"errors"`
	Warnings int           `json:"warnings"`
	Checked  []checkedJSON `json:"checked"`
	Findings []findingJSON `json:"findings"`

	diagnostics *manifest.Diagnostics
}

// checkedJSON is one service on one target in one environment.
type checkedJSON struct {
	Service     string `json:"service"`
	Environment string `json:"environment"`
	Target      string `json:"target"`
	Errors      int    `json:"errors"`
	Warnings    int    `json:"warnings"`
}

// findingJSON is a finding, and where it holds.
type findingJSON struct {
	Service      string   `json:"service"`
	Target       string   `json:"target"`
	Environments []string `json:"environments"`
	targets.Finding
	File   string `json:"file,omitempty"`
	Line   int    `json:"line,omitempty"`
	Column int    `json:"column,omitempty"`
}

// loadAll returns the manifest as it is in each environment, or in the one that
// the command line names.
func (t *terminal) loadAll(x *cli.Context) ([]*manifest.Manifest, error) {
	options := manifestOptions(x)
	all, diagnostics := manifest.LoadAll(options)
	if err := diagnostics.Err(); err != nil {
		return nil, err
	}
	if diagnostics.Len() > 0 {
		t.diagnostics(diagnostics)
	}
	if !x.IsSet("env") {
		return all, nil
	}
	var names []string
	for _, m := range all {
		if m.Environment == x.String("env") {
			return []*manifest.Manifest{m}, nil
		}
		names = append(names, m.Environment)
	}
	return nil, usageError(fmt.Sprintf("there is no environment %q; the environments are %s", x.String("env"), strings.Join(names, ", ")), "")
}

func (t *terminal) checkAll(x *cli.Context, manifests []*manifest.Manifest) (*checkJSON, error) {
	report := &checkJSON{Checked: []checkedJSON{}, Findings: []findingJSON{}, diagnostics: &manifest.Diagnostics{}}
	sizes := builtSizes(manifests[0])
	known := map[string]int{}
	for _, m := range manifests {
		chosen, err := services(m, x.Args().Slice())
		if err != nil {
			return nil, err
		}
		placed, err := placements(m, chosen, x.StringSlice("to"))
		if err != nil {
			return nil, err
		}
		for _, p := range placed {
			findings, err := p.findings(m, sizes(p.service.Name))
			if err != nil {
				return nil, err
			}
			report.add(m, p, findings, known)
		}
	}
	report.Fits = report.Errors == 0
	report.annotate()
	return report, nil
}

// findings are the ways in which a placement does not fit.
func (p placement) findings(m *manifest.Manifest, built *targets.Sizes) ([]targets.Finding, error) {
	info, err := p.place.describe()
	if err != nil {
		return nil, err
	}
	return fit.Check(info, p.workload(m, built)), nil
}

// add notes the findings of a placement. One that holds in several environments is
// counted once.
func (r *checkJSON) add(m *manifest.Manifest, p placement, findings []targets.Finding, known map[string]int) {
	checked := checkedJSON{Service: p.service.Name, Environment: m.Environment, Target: p.place.address}
	for _, f := range findings {
		if f.Severity == targets.Error {
			checked.Errors++
		} else {
			checked.Warnings++
		}
		place := m.At(p.service.Name, f.Path, "", "").All()[0]
		found := findingJSON{Service: p.service.Name, Target: p.place.address, Environments: []string{m.Environment}, Finding: f, File: place.File}
		if place.Range != nil {
			found.Line, found.Column = place.Range.Start.Line, place.Range.Start.Column
		}
		key := fmt.Sprint(found.Service, found.Target, found.File, found.Line, found.Column, found.Finding)
		if i, twice := known[key]; twice {
			r.Findings[i].Environments = append(r.Findings[i].Environments, m.Environment)
			continue
		}
		known[key] = len(r.Findings)
		if f.Severity == targets.Error {
			r.Errors++
		} else {
			r.Warnings++
		}
		r.Findings = append(r.Findings, found)
		r.diagnostics.Append(diagnose(m, p, f))
	}
	r.Checked = append(r.Checked, checked)
}

// diagnose turns a finding into a problem of the manifest.
func diagnose(m *manifest.Manifest, p placement, f targets.Finding) *manifest.Diagnostics {
	summary := f.Summary
	if f.Path == "" || !strings.HasPrefix(summary, f.Path) {
		summary = strings.ToUpper(summary[:1]) + summary[1:]
	}
	detail := strings.TrimSpace(f.Fix + "\n\n" + p.place.plugin.Settings.Label + ": " + f.Limit + "\n" + f.Source)
	if f.Severity == targets.Error {
		return m.At(p.service.Name, f.Path, summary, detail)
	}
	return m.WarnAt(p.service.Name, f.Path, summary, detail)
}

// annotate says of which targets and environments the problems are, and sorts them.
func (r *checkJSON) annotate() {
	for i := range r.Findings {
		r.diagnostics.Annotate(i, "on "+r.Findings[i].Target, r.Findings[i].Environments)
	}
	r.diagnostics.Sort()
}

func (t *terminal) writeCheck(r *checkJSON) error {
	if r.diagnostics.Len() > 0 {
		t.diagnostics(r.diagnostics)
		fmt.Fprintln(t.err)
	}
	rows := [][]string{{"SERVICE", "TARGET", "ENVIRONMENT", "FITS"}}
	for _, c := range r.Checked {
		rows = append(rows, []string{c.Service, c.Target, c.Environment, outcome(c.Errors, c.Warnings)})
	}
	return t.table(merged(rows))
}

// merged joins rows that differ in the environment alone.
func merged(rows [][]string) [][]string {
	var list [][]string
	known := map[[3]string]int{}
	for _, row := range rows {
		key := [3]string{row[0], row[1], row[3]}
		if i, twice := known[key]; twice {
			list[i][2] += ", " + row[2]
			continue
		}
		known[key] = len(list)
		list = append(list, slices.Clone(row))
	}
	return list
}

func outcome(errors, warnings int) string {
	switch {
	case errors > 0 && warnings > 0:
		return fmt.Sprintf("no: %s, %s", count(errors, "error"), count(warnings, "warning"))
	case errors > 0:
		return "no: " + count(errors, "error")
	case warnings > 0:
		return "yes, " + count(warnings, "warning")
	}
	return "yes"
}

// fit checks the placements of a deploy, before anything is built. Errors end it.
func (p *project) fit(placed []placement) error {
	sizes := builtSizes(p.Manifest)
	all := &manifest.Diagnostics{}
	for _, placed := range placed {
		findings, err := placed.findings(p.Manifest, sizes(placed.service.Name))
		if err != nil {
			return err
		}
		for _, f := range findings {
			all.Append(diagnose(p.Manifest, placed, f))
			all.Annotate(all.Len()-1, "on "+placed.place.address, nil)
		}
	}
	if all.Len() == 0 {
		return nil
	}
	all.Sort()
	if all.HasErrors() {
		return all
	}
	p.terminal.note(p.terminal.style(dim, count(all.Len(), "warning")+" about the targets; twofold check shows them"))
	return nil
}
