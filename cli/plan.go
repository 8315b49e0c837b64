package cli

import (
	"fmt"

	"github.com/urfave/cli/v2"

	"github.com/twofoldhq/twofold/targets"
)

func (c *commands) plan() *cli.Command {
	return command(&cli.Command{
		Name:      "plan",
		Usage:     "what a deploy would change",
		ArgsUsage: "[SERVICE...]",
		Flags: flags(manifestFlags(), toFlag(), releaseFlag(), pullFlag(), jsonFlag(),
			&cli.BoolFlag{Name: "detailed-exitcode", Usage: "exit with 0 for no change, 2 for changes"}),
		Action: func(x *cli.Context) error {
			work, err := c.prepare(x)
			if err != nil {
				return err
			}
			plans := make([]targets.Plan, 0, len(work.list))
			changes := false
			for _, i := range work.list {
				plan, err := work.plan(x.Context, i)
				if err != nil {
					return err
				}
				changes = changes || plan.Action != targets.ActionNone
				plans = append(plans, plan)
			}
			if x.Bool("json") {
				err = c.json(plans)
			} else {
				err = c.writePlans(plans)
			}
			if err == nil && changes && x.Bool("detailed-exitcode") {
				return exitCode(exitChanges)
			}
			return err
		},
	})
}

func (t *terminal) writePlans(plans []targets.Plan) error {
	for _, p := range plans {
		if _, err := fmt.Fprintf(t.out, "%s %s on %s\n", p.Action, p.Service, p.Target); err != nil {
			return err
		}
		for _, hook := range p.Hooks {
			if _, err := fmt.Fprintf(t.out, "  hook %s\n", hook); err != nil {
				return err
			}
		}
		for _, change := range p.Changes {
			line := "  " + change.Name + ": "
			switch {
			case change.Before == "":
				line += change.After
			case change.After == "":
				line += change.Before + " is removed"
			default:
				line += change.Before + " -> " + change.After
			}
			if _, err := fmt.Fprintln(t.out, line); err != nil {
				return err
			}
		}
	}
	return nil
}
