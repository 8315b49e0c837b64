package cli

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"time"

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
			answers, err := c.deployments(x, m, filter, false)
			if err != nil {
				return err
			}
			found := c.measure(x.Context, answers)
			if x.Bool("json") {
				return c.json(found)
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

// deployments returns the answers for a filter without the services that the command
// line does not name. A service need not be in the manifest any more.
func (t *terminal) deployments(x *cli.Context, m *manifest.Manifest, f targets.Filter, all bool) ([]answer, error) {
	answers, err := t.ask(x.Context, m, x.StringSlice("to"), f, all)
	names := x.Args().Slice()
	for i := range answers {
		answers[i].list = slices.DeleteFunc(answers[i].list, func(s targets.Status) bool {
			return len(names) > 0 && !slices.Contains(names, s.Service)
		})
	}
	return answers, err
}

// measured is a deployment and how it did during the last day, where its target
// knows.
type measured struct {
	targets.Status
	Metrics *targets.Metrics `json:"metrics,omitempty"`
}

// measure asks the targets how the deployments did. One that cannot say it is left
// without, with a warning: the rest of the status is worth more than that.
func (t *terminal) measure(ctx context.Context, answers []answer) []measured {
	list := []measured{}
	for _, a := range answers {
		find := a.target.Info().Operations.Metrics
		for _, s := range a.list {
			m := measured{Status: s}
			if find != nil {
				metrics, err := find(ctx, s.Key)
				if err != nil {
					t.warn(err.Error())
				} else {
					m.Metrics = &metrics
				}
			}
			list = append(list, m)
		}
	}
	return list
}

func (t *terminal) writeStatus(found []measured, withProject bool) error {
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
		for _, line := range details(s) {
			t.note(t.style(yellow, s.Service+" on "+s.Target+":") + " " + line)
		}
	}
	return nil
}

// details are what a table has no room for.
func details(s measured) []string {
	var lines []string
	if s.Detail != "" {
		lines = append(lines, s.Detail)
	}
	for _, share := range s.Traffic {
		lines = append(lines, fmt.Sprintf("%g%% of the traffic to %s %s", share.Percent, short(share.Release), share.Name))
	}
	if m := s.Metrics; m != nil && (m.Requests > 0 || m.Throttled > 0) {
		line := fmt.Sprintf("last day: %s, %d failed (%.1f%%)", count(int(m.Requests), "request"), m.Errors, 100*float64(m.Errors)/float64(max(m.Requests, 1)))
		if m.Throttled > 0 {
			line += fmt.Sprintf(", %d not let in", m.Throttled)
		}
		if m.P50 > 0 || m.P95 > 0 {
			line += fmt.Sprintf(", p50 %s, p95 %s", milliseconds(m.P50), milliseconds(m.P95))
		}
		if m.Cost > 0 {
			line += fmt.Sprintf(", about $%.4f (%s)", m.Cost, m.CostNote)
		}
		lines = append(lines, line)
	}
	if s.Metrics != nil {
		for _, f := range s.Metrics.LastErrors {
			lines = append(lines, fmt.Sprintf("failed at %s: %s", f.Time.UTC().Format("2006-01-02 15:04:05 UTC"), f.Message))
		}
	}
	return lines
}

func milliseconds(n float64) string {
	return time.Duration(n * float64(time.Millisecond)).Round(100 * time.Microsecond).String()
}
