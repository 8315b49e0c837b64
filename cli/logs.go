package cli

import (
	"context"
	"fmt"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/twofoldhq/twofold/manifest"
	"github.com/twofoldhq/twofold/targets"
)

func (c *commands) logs() *cli.Command {
	return command(&cli.Command{
		Name:      "logs",
		Usage:     "what a deployment printed",
		ArgsUsage: "[SERVICE]",
		Flags: flags(manifestFlags(), toFlag(),
			&cli.BoolFlag{Name: "follow", Aliases: []string{"f"}, Usage: "go on as lines come, across releases"},
			&cli.IntFlag{Name: "tail", Aliases: []string{"n"}, Usage: "only the last `LINES`; 0 is all"}),
		Action: func(x *cli.Context) error {
			if x.Int("tail") < 0 {
				return usageError("--tail is a number of lines, 0 for all", "")
			}
			target, s, err := c.oneDeployment(x)
			if err != nil {
				return err
			}
			err = targets.Logs(x.Context, target, targets.LogsRequest{
				Key: s.Key, Follow: x.Bool("follow"), Tail: x.Int("tail"), Out: c.out,
			})
			if x.Context.Err() != nil && x.Bool("follow") {
				return nil
			}
			return err
		},
	})
}

// oneDeployment returns the one deployment that the command line names. Where a
// service runs on several targets, --to has to choose.
func (t *terminal) oneDeployment(x *cli.Context) (targets.Target, targets.Status, error) {
	p, err := t.loadNames(x)
	if err != nil {
		return nil, targets.Status{}, err
	}
	name := x.Args().First()
	if name == "" {
		s, err := oneService(p.Manifest, nil)
		if err != nil {
			return nil, targets.Status{}, err
		}
		name = s.Name
	}
	return t.findDeployment(x.Context, p.Manifest, x.StringSlice("to"), targets.Key{Project: p.Project, Service: name, Environment: p.Environment})
}

func (t *terminal) findDeployment(ctx context.Context, m *manifest.Manifest, to []string, k targets.Key) (targets.Target, targets.Status, error) {
	answers, err := t.ask(ctx, m, to, targets.Filter(k), false)
	if err != nil {
		return nil, targets.Status{}, err
	}
	var found []targets.Status
	var on []targets.Target
	for _, a := range answers {
		for _, s := range a.list {
			found, on = append(found, s), append(on, a.target)
		}
	}
	switch len(found) {
	case 1:
		return on[0], found[0], nil
	case 0:
		return nil, targets.Status{}, withHint(fmt.Errorf("service %q in environment %q: %w", k.Service, k.Environment, errNoDeployment), "twofold deploy "+k.Service)
	}
	var addresses []string
	for _, target := range on {
		addresses = append(addresses, "--to "+target.Info().Address())
	}
	return nil, targets.Status{}, usageError(fmt.Sprintf("service %q is deployed to several targets; add %s", k.Service, strings.Join(addresses, " or ")), "")
}
