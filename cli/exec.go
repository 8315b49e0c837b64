package cli

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/urfave/cli/v2"

	"github.com/twofoldhq/twofold/manifest"
	"github.com/twofoldhq/twofold/targets"
)

func (c *commands) exec() *cli.Command {
	return command(&cli.Command{
		Name:      "exec",
		Usage:     "run a command once in what a deployment runs",
		ArgsUsage: "SERVICE -- COMMAND [ARGUMENT...]",
		Description: "The command gets an instance of its own, with the release that is deployed and its environment, secrets and\n" +
			"volumes. What it prints is printed, and its exit status is that of twofold. It has no input and no terminal.",
		Flags: flags(manifestFlags(), toFlag()),
		Action: func(x *cli.Context) error {
			words := x.Args().Slice()
			if at := slices.Index(words, "--"); at != 1 || len(words) == 2 {
				return usageError("name the service, and after -- the command", "twofold exec SERVICE -- COMMAND")
			}
			p, err := c.loadNames(x)
			if err != nil {
				return err
			}
			target, s, err := c.findDeployment(x.Context, p.Manifest, x.StringSlice("to"), targets.Key{Project: p.Project, Service: words[0], Environment: p.Environment})
			if err != nil {
				return err
			}
			c.progress.begin(s.Service + " exec on " + s.Target)
			request := targets.ExecRequest{Key: s.Key, Command: words[2:], Out: c.out, Events: c.events(s.Service, s.Target)}
			err = targets.Exec(x.Context, target, request)
			if errors.Is(err, targets.ErrUnsupported) && target.Info().Operations.Run != nil {
				err = c.execRelease(x, target, s, request)
			}
			var exit *targets.ExitError
			if errors.As(err, &exit) {
				c.progress.stop()
				c.fail(err.Error())
				return exitCode(exit.Code)
			}
			return err
		},
	})
}

// execRelease runs a command in the release that is deployed as the manifest says it
// runs, where the target runs commands of a release only.
func (c *commands) execRelease(x *cli.Context, target targets.Target, s targets.Status, r targets.ExecRequest) error {
	p, err := c.load(x)
	if err != nil {
		return err
	}
	service, err := p.Service(s.Service)
	if err != nil {
		return err
	}
	d, err := c.asDeployed(x.Context, p, service, target, s)
	if err != nil {
		return err
	}
	d.Events = r.Events
	return targets.Run(x.Context, target, targets.RunRequest{Deployment: d, Command: r.Command, Out: r.Out})
}

func (c *commands) asDeployed(ctx context.Context, p *project, service *manifest.Service, target targets.Target, s targets.Status) (targets.Deployment, error) {
	placed, err := placements(p.Manifest, []*manifest.Service{service}, []string{s.Target})
	if err != nil {
		return targets.Deployment{}, err
	}
	r, err := p.release(ctx, service, s.Release, buildOptions{})
	if err != nil {
		return targets.Deployment{}, fmt.Errorf("find the release that is deployed: %w", err)
	}
	w := &work{project: p, urls: map[string]string{}, list: []intent{{placement: placed[0], target: target, release: r}}}
	resolved, err := w.resolve(ctx, service)
	if err != nil {
		return targets.Deployment{}, err
	}
	placed[0].service = resolved
	d := placed[0].deployment(p.Manifest, r)
	d.Schedules, d.Triggers = nil, nil
	return d, nil
}
