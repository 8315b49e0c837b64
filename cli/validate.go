package cli

import (
	"errors"
	"fmt"

	"github.com/urfave/cli/v2"

	"github.com/twofoldhq/twofold/manifest"
)

func (c *commands) validate() *cli.Command {
	return command(&cli.Command{
		Name:        "validate",
		Usage:       "check the manifest in every environment, and report all that is wrong with it",
		Description: "Without --env, a variable may have no value: what depends on it is then not looked at.",
		Flags:       flags(manifestFlags(), jsonFlag()),
		Action: func(x *cli.Context) error {
			if err := noArguments(x); err != nil {
				return err
			}
			all, diagnostics := validated(x)
			if x.Bool("json") {
				if err := c.json(struct {
					Valid       bool                  `json:"valid"`
					Diagnostics *manifest.Diagnostics `json:"diagnostics"`
				}{!diagnostics.HasErrors(), diagnostics}); err != nil {
					return err
				}
				if diagnostics.HasErrors() {
					return exitCode(exitUsage)
				}
				return nil
			}
			if err := diagnostics.Err(); err != nil {
				return err
			}
			if diagnostics.Len() > 0 {
				c.diagnostics(diagnostics)
			}
			c.note(valid(all))
			return nil
		},
	})
}

// validated loads the environment that the command line names, or all of them, and
// looks at the settings of their targets.
func validated(x *cli.Context) ([]*manifest.Manifest, *manifest.Diagnostics) {
	all, diagnostics := loaded(x)
	if diagnostics.HasErrors() {
		return all, diagnostics
	}
	said := map[string]bool{}
	for _, m := range all {
		for _, wrong := range wrongSettings(m) {
			if text := wrong.Error(); !said[text] {
				said[text] = true
				diagnostics.Append(wrong)
			}
		}
	}
	return all, diagnostics
}

func loaded(x *cli.Context) ([]*manifest.Manifest, *manifest.Diagnostics) {
	if !x.IsSet("env") {
		return manifest.LoadAll(manifestOptions(x))
	}
	m, diagnostics := manifest.Load(manifestOptions(x))
	return []*manifest.Manifest{m}, diagnostics
}

// wrongSettings are what the kinds of targets say about the settings of those that a
// manifest declares.
func wrongSettings(m *manifest.Manifest) (list []*manifest.Diagnostics) {
	known, err := places(m)
	if err != nil {
		return nil
	}
	for _, p := range known {
		if p.manifest == nil || len(p.unknown) > 0 {
			continue
		}
		var wrong *manifest.Diagnostics
		if _, err := p.describe(); errors.As(err, &wrong) {
			list = append(list, wrong)
		}
	}
	return list
}

func valid(all []*manifest.Manifest) string {
	m := all[0]
	text := fmt.Sprintf("%s is valid: project %q, %s", m.File, m.Project, count(len(m.Services), "service"))
	if len(all) > 1 {
		text += fmt.Sprintf(" in %s", count(len(all), "environment"))
	}
	return text
}

// count returns "1 service" or "2 services".
func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
