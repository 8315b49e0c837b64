package cli

import (
	"bufio"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/urfave/cli/v2"
	"golang.org/x/term"

	"github.com/twofoldhq/twofold/targets"
)

func (c *commands) destroy() *cli.Command {
	return command(&cli.Command{
		Name:      "destroy",
		Usage:     "remove deployments and everything that they made",
		ArgsUsage: "[SERVICE...]",
		Flags: flags(manifestFlags(), toFlag(), jsonFlag(),
			&cli.BoolFlag{Name: "yes", Aliases: []string{"y"}, Usage: "do not ask"}),
		Action: func(x *cli.Context) error {
			m, filter, err := c.filter(x)
			if err != nil {
				return err
			}
			filter.Environment = m.Environment
			answers, err := c.deployments(x, m, filter, true)
			if err != nil {
				return err
			}
			var found []targets.Status
			for _, a := range answers {
				found = append(found, a.list...)
			}
			if len(found) == 0 {
				c.note("nothing to destroy")
			} else if err := c.confirm(found, x.Bool("yes")); err != nil {
				return err
			}
			destroyed := make([]targets.Status, 0, len(found))
			for _, s := range found {
				chosen, err := openTargets(m, []string{s.Target})
				if err != nil {
					return err
				}
				c.progress.begin(s.Service + " destroy on " + s.Target)
				started := time.Now()
				if _, err := chosen[0].Destroy(x.Context, s.Key); err != nil {
					return err
				}
				c.done(s.Service, "destroyed on "+s.Target, time.Since(started))
				for _, v := range s.Volumes {
					if !v.Kept {
						continue
					}
					c.note(fmt.Sprintf("  the data of volume %q is kept: %s", v.Name, v.Place))
				}
				destroyed = append(destroyed, s)
			}
			if x.Bool("json") {
				return c.json(destroyed)
			}
			return nil
		},
	})
}

// confirm asks before deployments are removed. Without a terminal to ask at,
// --yes must have been given.
func (t *terminal) confirm(found []targets.Status, yes bool) error {
	if yes {
		return nil
	}
	file, ok := t.in.(*os.File)
	if !ok || !term.IsTerminal(int(file.Fd())) {
		return usageError("destroy asks before it removes anything, and there is no terminal to ask at; add --yes", "twofold destroy --yes")
	}
	for _, s := range found {
		t.note(fmt.Sprintf("  %s in %s on %s  %s", s.Service, s.Environment, s.Target, s.URL))
	}
	fmt.Fprintf(t.err, "Remove %s? [y/N] ", count(len(found), "deployment"))
	answer, _ := bufio.NewReader(t.in).ReadString('\n')
	switch strings.ToLower(strings.TrimSpace(answer)) {
	case "y", "yes":
		return nil
	}
	t.note("nothing was removed")
	return exitCode(exitFailed)
}
