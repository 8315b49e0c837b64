package cli

import (
	"context"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/twofoldhq/twofold/manifest"
	"github.com/twofoldhq/twofold/release"
	"github.com/twofoldhq/twofold/targets"
)

func (c *commands) deploy() *cli.Command {
	return command(&cli.Command{
		Name:      "deploy",
		Usage:     "build, and make the targets run the result",
		ArgsUsage: "[SERVICE...]",
		Flags:     []cli.Flag{manifestFlag(), envFlag(), toFlag(), releaseFlag(), pullFlag(), jsonFlag()},
		Action: func(x *cli.Context) error {
			work, err := c.prepare(x)
			if err != nil {
				return err
			}
			var deployed []targets.Status
			for _, w := range work {
				s, err := c.deployOne(x.Context, w)
				if err != nil {
					return err
				}
				deployed = append(deployed, s)
			}
			if x.Bool("json") {
				return c.json(deployed)
			}
			rows := make([][]string, 0, len(deployed))
			for _, s := range deployed {
				rows = append(rows, []string{s.Service, s.Target, s.URL})
			}
			return c.table(rows)
		},
	})
}

// intent is one deployment that a command wants on one target.
type intent struct {
	target     targets.Target
	deployment targets.Deployment
}

// prepare builds the services that the command line names, and returns what is to
// run where. Everything is built before anything is deployed.
func (t *terminal) prepare(x *cli.Context) ([]intent, error) {
	p, err := t.load(x)
	if err != nil {
		return nil, err
	}
	chosen, err := services(p.Manifest, x.Args().Slice())
	if err != nil {
		return nil, err
	}
	to := x.StringSlice("to")
	if len(to) == 0 {
		to = []string{defaultTarget}
	}
	onto, err := chooseTargets(to)
	if err != nil {
		return nil, err
	}
	if x.String("release") != "" && len(chosen) > 1 {
		return nil, usageError("--release is a release of one service; name the service", "")
	}
	var work []intent
	for _, s := range chosen {
		r, err := p.release(x.Context, s, x.String("release"), buildOptions{pull: x.Bool("pull")})
		if err != nil {
			return nil, err
		}
		for _, target := range onto {
			work = append(work, intent{target, t.deployment(p, s, x.String("env"), r)})
		}
	}
	return work, nil
}

// deployment is a service of a manifest in the words of the targets.
func (t *terminal) deployment(p *project, s *manifest.Service, environment string, r *release.Release) targets.Deployment {
	return targets.Deployment{
		Key:     targets.Key{Project: p.Project, Service: s.Name, Environment: environment},
		Release: r,
		Port:    s.Port,
		Health:  s.Health.Path,
		Start:   s.Health.Start,
		Env:     s.Env,
		Memory:  s.Memory,
		CPU:     s.CPU,
		Timeout: s.Timeout,
		Scale:   targets.Scale{Min: s.Scale.Min, Max: s.Scale.Max, Concurrency: s.Scale.Concurrency},
	}
}

func (t *terminal) deployOne(ctx context.Context, w intent) (targets.Status, error) {
	address := w.target.Info().Address()
	t.progress.begin(w.deployment.Service + " deploy to " + address)
	started := time.Now()
	w.deployment.Events = func(e targets.Event) {
		if e.Warning {
			t.warn(e.Message)
		} else {
			t.progress.begin(w.deployment.Service + " on " + address + ": " + e.Message)
		}
	}
	s, err := w.target.Deploy(ctx, w.deployment)
	if err != nil {
		return s, err
	}
	what := "deployed to " + address
	if !s.Changed {
		what = "unchanged on " + address
	}
	if s.Runner != "" {
		what += t.style(dim, " ("+s.Runner+")")
	}
	t.done(w.deployment.Service, what, time.Since(started))
	return s, nil
}
