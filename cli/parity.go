package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/twofoldhq/twofold/manifest"
	"github.com/twofoldhq/twofold/release"
	"github.com/twofoldhq/twofold/targets"
	"github.com/twofoldhq/twofold/traffic/parity"
)

// parityEnvironment is where parity runs what is not deployed on this machine
// already. It is destroyed afterwards.
const parityEnvironment = "parity"

// defaultRequests is the file of requests beside the manifest.
const defaultRequests = "requests.hcl"

func (c *commands) parity() *cli.Command {
	return command(&cli.Command{
		Name:      "parity",
		Usage:     "run both forms, replay the same requests, show what differs",
		ArgsUsage: "[SERVICE]",
		Flags: flags(manifestFlags(), releaseFlag(), pullFlag(), jsonFlag(),
			&cli.StringFlag{Name: "requests", Aliases: []string{"r"}, Usage: "the `FILE` of requests, .hcl or .har (default: requests.hcl beside the manifest)"},
			&cli.BoolFlag{Name: "verbose", Aliases: []string{"v"}, Usage: "show each request, and both values of expected differences"}),
		Action: func(x *cli.Context) error {
			p, err := c.load(x)
			if err != nil {
				return err
			}
			s, err := oneService(p.Manifest, x.Args().Slice())
			if err != nil {
				return err
			}
			w := &work{project: p, urls: map[string]string{}}
			if s, err = w.resolve(x.Context, s); err != nil {
				return err
			}
			suite, err := loadRequests(p, x.String("requests"))
			if err != nil {
				return err
			}
			r, err := p.release(x.Context, s, x.String("release"), buildOptions{pull: x.Bool("pull")})
			if err != nil {
				return err
			}
			report, err := c.replay(x, p, s, r, suite)
			if err == nil && x.Bool("json") {
				err = c.json(report)
			}
			if err == nil && !report.OK() {
				return exitCode(exitFailed)
			}
			return err
		},
	})
}

func loadRequests(p *project, path string) (*parity.Suite, error) {
	if path == "" {
		path = filepath.Join(p.Dir, defaultRequests)
		if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
			return nil, usageError(fmt.Sprintf("there is no %s beside the manifest", defaultRequests),
				"write one (docs/parity.md), or replay a recording: twofold parity --requests recording.har")
		}
	}
	suite, err := parity.Load(path)
	var file *parity.FileError
	if errors.As(err, &file) {
		file.WriteText(p.terminal.err, uint(p.terminal.width), p.terminal.color)
		return nil, exitCode(exitUsage)
	}
	if err != nil {
		return nil, &UsageError{Err: err}
	}
	return suite, nil
}

// replay sends the requests to both forms on this machine, and removes what it
// deployed for that.
func (c *commands) replay(x *cli.Context, p *project, s *manifest.Service, r *release.Release, suite *parity.Suite) (report *parity.Report, err error) {
	var sides [2]parity.Side
	for i, address := range []string{"local.container", "local.function"} {
		chosen, err := openTargets(p.Manifest, []string{address})
		if err != nil {
			return nil, err
		}
		status, remove, err := c.bringUp(x.Context, chosen[0], placement{service: s, first: true}.deployment(p.Manifest, r))
		if err != nil {
			return nil, err
		}
		defer remove()
		sides[i] = parity.Side{Name: string(status.Form), Target: address, URL: status.URL}
	}
	if x.Bool("json") {
		return parity.Replay(x.Context, suite, sides[0], sides[1], parity.Options{})
	}
	c.progress.stop()
	printer := parity.NewPrinter(c.out, sides[0], sides[1], parity.TextOptions{Color: c.color, Width: c.width, Brief: !x.Bool("verbose"), Verbose: x.Bool("verbose")})
	printer.Head()
	done := 0
	c.progress.begin(s.Name + " replay")
	report, err = parity.Replay(x.Context, suite, sides[0], sides[1], parity.Options{Result: func(r parity.Result) {
		done++
		c.progress.update(fmt.Sprintf("%s replay: %d of %s", s.Name, done, count(len(suite.Requests), "request")))
		printer.Result(r)
	}})
	c.progress.stop()
	if err == nil {
		printer.Summary(report)
	}
	return report, err
}

// bringUp returns the deployment as it runs already, if it is of that release,
// else deploys it for the time of the replay.
func (c *commands) bringUp(ctx context.Context, target targets.Target, d targets.Deployment) (targets.Status, func(), error) {
	found, err := target.Status(ctx, targets.Filter(d.Key))
	if err != nil {
		return targets.Status{}, nil, err
	}
	for _, s := range found {
		if s.Release == d.Release.Digest && s.State == targets.Running {
			return s, func() {}, nil
		}
	}
	d.Environment = parityEnvironment
	s, err := c.deployOne(ctx, target, d)
	if err != nil {
		return s, nil, err
	}
	remove := func() {
		// Also after an interrupt, or what was brought up for a moment would stay.
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 30*time.Second)
		defer cancel()
		if _, err := target.Destroy(ctx, d.Key); err != nil {
			c.warn(err.Error())
		}
	}
	return s, remove, nil
}
