package cli

import (
	"errors"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/twofoldhq/twofold/targets"
)

func (c *commands) rollback() *cli.Command {
	return command(&cli.Command{
		Name:      "rollback",
		Usage:     "run an earlier release again, without a build",
		ArgsUsage: "[SERVICE]",
		Flags: flags(manifestFlags(), toFlag(), jsonFlag(),
			&cli.StringFlag{Name: "release", Usage: "the `DIGEST` of the release, or its beginning; without it, the release that ran before"}),
		Action: func(x *cli.Context) error {
			target, before, err := c.oneDeployment(x)
			if err != nil {
				return err
			}
			address := target.Info().Address()
			c.progress.begin(before.Service + " rollback on " + address)
			started := time.Now()
			s, err := targets.Rollback(x.Context, target, targets.RollbackRequest{
				Key: before.Key, Release: x.String("release"), Events: c.events(before.Service, address),
			})
			if errors.Is(err, targets.ErrUnsupported) {
				return withHint(err, "twofold deploy "+before.Service+" --release DIGEST")
			}
			if err != nil {
				return err
			}
			what := "runs " + short(s.Release) + " again on " + address
			if !s.Changed {
				what = "runs " + short(s.Release) + " already on " + address
			}
			c.done(s.Service, what, time.Since(started))
			if x.Bool("json") {
				return c.json(s)
			}
			return c.table([][]string{{s.Service, s.Target, s.URL}})
		},
	})
}
