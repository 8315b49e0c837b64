package cli

import (
	"strconv"

	"github.com/urfave/cli/v2"

	"github.com/twofoldhq/twofold/manifest"
	"github.com/twofoldhq/twofold/targets"
)

func (c *commands) status() *cli.Command {
	return command(&cli.Command{
		Name:      "status",
		Usage:     "what is deployed, and how it does",
		ArgsUsage: "[SERVICE...]",
		Flags: flags(manifestFlags(), toFlag(), jsonFlag(),
			&cli.BoolFlag{Name: "all", Usage: "of all projects; needs no manifest"}),
		Action: func(x *cli.Context) error {
			m, filter, err := c.filter(x)
			if err != nil {
				return err
			}
			found, err := c.deployments(x, m, filter)
			if err != nil {
				return err
			}
			if x.Bool("json") {
				return c.json(append([]targets.Status{}, found...))
			}
			if len(found) == 0 {
				c.note("nothing is deployed")
				return nil
			}
			return c.writeStatus(found, x.Bool("all"))
		},
	})
}

// filter selects the deployments of the manifest's project, or all with --all.
// Without --env they are those of all environments.
func (t *terminal) filter(x *cli.Context) (*manifest.Manifest, targets.Filter, error) {
	f := targets.Filter{Environment: x.String("env")}
	if x.Bool("all") {
		return nil, f, nil
	}
	p, err := t.loadNames(x)
	if err != nil {
		return nil, f, err
	}
	f.Project = p.Project
	return p.Manifest, f, nil
}

// deployments asks the targets for the deployments of a filter, and keeps those
// of the named services, or all. A service need not be in the manifest any more.
func (t *terminal) deployments(x *cli.Context, m *manifest.Manifest, f targets.Filter) ([]targets.Status, error) {
	ctx, names := x.Context, x.Args().Slice()
	asked, err := openTargets(m, x.StringSlice("to"))
	if err != nil {
		return nil, err
	}
	wanted := map[string]bool{}
	for _, name := range names {
		wanted[name] = true
	}
	var found []targets.Status
	for _, target := range asked {
		list, err := target.Status(ctx, f)
		if err != nil {
			return nil, err
		}
		for _, s := range list {
			if len(wanted) == 0 || wanted[s.Service] {
				found = append(found, s)
			}
		}
	}
	return found, nil
}

func (t *terminal) writeStatus(found []targets.Status, withProject bool) error {
	rows := [][]string{{"SERVICE", "ENV", "TARGET", "STATE", "INSTANCES", "RELEASE", "URL"}}
	for _, s := range found {
		service := s.Service
		if withProject {
			service = s.Project + "/" + s.Service
		}
		rows = append(rows, []string{service, s.Environment, s.Target, string(s.State), strconv.Itoa(s.Instances), short(s.Release), s.URL})
	}
	if err := t.table(rows); err != nil {
		return err
	}
	for _, s := range found {
		if s.Detail != "" {
			t.note(t.style(yellow, s.Service+" on "+s.Target+":") + " " + s.Detail)
		}
	}
	return nil
}
