package cli

import (
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

// validated loads the environment that the command line names, or all of them.
func validated(x *cli.Context) ([]*manifest.Manifest, *manifest.Diagnostics) {
	if !x.IsSet("env") {
		return manifest.LoadAll(manifestOptions(x))
	}
	m, diagnostics := manifest.Load(manifestOptions(x))
	return []*manifest.Manifest{m}, diagnostics
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
