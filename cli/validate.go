package cli

import (
	"fmt"

	"github.com/urfave/cli/v2"

	"github.com/twofoldhq/twofold/build/builders"
	"github.com/twofoldhq/twofold/manifest"
)

func (c *commands) validate() *cli.Command {
	return command(&cli.Command{
		Name:  "validate",
		Usage: "check the manifest, and report all that is wrong with it",
		Flags: []cli.Flag{manifestFlag(), jsonFlag()},
		Action: func(x *cli.Context) error {
			if err := noArguments(x); err != nil {
				return err
			}
			m, diagnostics := manifest.Load(manifest.Options{Path: x.String("manifest"), Builders: builders.Schemas()})
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
			c.note(fmt.Sprintf("%s is valid: project %q, %s", m.File, m.Project, count(len(m.Services), "service")))
			return nil
		},
	})
}

// count returns "1 service" or "2 services".
func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
