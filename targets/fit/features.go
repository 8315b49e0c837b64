package fit

import (
	"fmt"
	"strings"

	"github.com/twofoldhq/twofold/targets"
)

// features reports the gaps that the service falls into.
func (c *checker) features() {
	for _, s := range c.w.Schedules {
		c.gap(targets.FeatureSchedule, "schedule."+s.Name, s.Name)
	}
	for _, t := range c.w.Triggers {
		c.gap(targets.Feature("on."+t.Kind), "on."+t.Kind+"."+t.Name, t.Name)
	}
	for _, s := range c.w.Secrets {
		c.gap(targets.FeatureSecret, "secret."+s.Name, s.Name)
	}
	for _, v := range c.w.Volumes {
		c.gap(targets.FeatureVolume, "volume."+v.Name, v.Name)
	}
	if c.w.Background {
		c.gap(targets.FeatureBackground, "background", "")
	}
	if c.w.Domain != "" {
		c.gap(targets.FeatureDomain, "domain", "")
	}
	if len(c.w.Rollout.Steps) > 0 {
		c.gap(targets.FeatureRollout, "deploy.steps", "")
	}
}

func (c *checker) gap(feature targets.Feature, path, name string) {
	g, ok := c.info.Gaps[feature]
	if !ok {
		return
	}
	fill := strings.NewReplacer("{service}", c.w.Service, "{name}", name, "{target}", c.info.Address()).Replace
	c.report(g.Soft, targets.Finding{
		Path: path, Summary: fill(g.Summary), Fix: fill(g.Fix), Limit: fill(g.Limit), Source: g.Source,
	})
}

// hooks reports those that would run in the release on a target that runs none.
func (c *checker) hooks() {
	if c.info.Operations.Run != nil {
		return
	}
	for _, name := range c.w.Runs {
		c.report(false, targets.Finding{
			Path:    "hook." + name,
			Summary: fmt.Sprintf("%s runs no command of a release", c.info.Address()),
			Fix:     fmt.Sprintf("Write where = \"machine\" in the block hook %q, so that it runs where twofold deploys from.", name),
			Limit:   "a hook in the release needs a target that runs single commands; twofold targets lists them",
			Source:  guide,
		})
	}
}
