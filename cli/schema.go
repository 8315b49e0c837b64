package cli

import (
	"github.com/urfave/cli/v2"

	"github.com/twofoldhq/twofold/build/builders"
	"github.com/twofoldhq/twofold/manifest"
	"github.com/twofoldhq/twofold/manifest/reference"
)

func (c *commands) schema() *cli.Command {
	return command(&cli.Command{
		Name:  "schema",
		Usage: "print the manifest's language as data, for editors and other tools",
		Description: "The JSON has the blocks with their attributes, the values that expressions refer to, the functions and the limits.\n" +
			"The same as a page to read is docs/manifest.md.",
		Flags: []cli.Flag{&cli.BoolFlag{Name: "markdown", Usage: "write the reference as Markdown instead"}},
		Action: func(x *cli.Context) error {
			if err := noArguments(x); err != nil {
				return err
			}
			language := manifest.Describe(builders.Schemas(), targetSchemas())
			if x.Bool("markdown") {
				_, err := c.out.Write(reference.Markdown(language))
				return err
			}
			return c.json(language)
		},
	})
}
