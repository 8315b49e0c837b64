package local

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/twofoldhq/twofold/targets"
	"github.com/twofoldhq/twofold/targets/local/host"
	"github.com/twofoldhq/twofold/targets/secretfile"
)

// Plan implements targets.Target. It compares the record on disk with d. The value
// of a secret, or of a variable that is sensitive on either side, is not shown.
func (t *Target) Plan(ctx context.Context, d targets.Deployment) (targets.Plan, error) {
	if t.problem != nil {
		return targets.Plan{}, t.problem
	}
	p := targets.Plan{Key: d.Key, Target: t.address(), Action: targets.ActionNone}
	req, _, err := t.resolve(ctx, d)
	if err != nil {
		return p, fmt.Errorf("%s: plan %q: %w", t.address(), d.Service, err)
	}
	r, err := t.client.Record(d.Key, t.address())
	if err != nil {
		return p, err
	}
	next := attributes(req.Release, req.Spec, req.Secrets, func(name string) bool { return slices.Contains(req.Spec.Sensitive, name) })
	if r == nil {
		p.Action, p.Changes = targets.ActionCreate, changes(nil, next)
		return p, nil
	}
	// Secrets that cannot be read are put back by a deploy.
	kept, _ := t.client.Secrets(r)
	p.Changes = changes(attributes(r.Release, r.Spec, kept, r.Sensitive), next)
	if p.Changes == nil {
		p.Changes, err = t.repairs(ctx, d.Key)
	}
	if len(p.Changes) > 0 {
		p.Action = targets.ActionUpdate
	}
	return p, err
}

// repairs are what Deploy mends of a deployment that is as it should be on paper.
func (t *Target) repairs(ctx context.Context, k targets.Key) ([]targets.Change, error) {
	list, err := t.client.Status(ctx, targets.Filter(k), t.address())
	if err != nil || len(list) != 1 || list[0].State == targets.Running {
		return nil, err
	}
	return []targets.Change{{Name: "state", Before: string(list[0].State), After: string(targets.Running)}}, nil
}

// attribute is one value of a deployment, and whether it may be shown.
type attribute struct {
	value  string
	hidden bool
}

func attributes(digest string, s host.Spec, v secretfile.Values, sensitive func(name string) bool) map[string]attribute {
	a := map[string]attribute{"release": {value: digest}}
	set := func(name, value string) {
		if value != "" && value != "0" && value != "0s" {
			a[name] = attribute{value: value}
		}
	}
	set("port", strconv.Itoa(s.Port))
	set("health.path", s.Health)
	set("health.start", s.Start.String())
	set("memory", strconv.FormatInt(s.Memory, 10))
	if s.CPU > 0 {
		set("cpu", strconv.FormatInt(s.CPU, 10)+"m")
	}
	set("timeout", s.Timeout.String())
	set("scale.min", strconv.Itoa(s.Scale.Min))
	set("scale.max", strconv.Itoa(s.Scale.Max))
	set("scale.concurrency", strconv.Itoa(s.Scale.Concurrency))
	for _, t := range s.Triggers {
		set("on."+t.Kind+"."+t.Name, t.Source+" to "+t.Path)
	}
	for _, v := range s.Volumes {
		set("volume."+v.Name+".path", v.Path)
		set("volume."+v.Name+".size", strconv.FormatInt(v.Size, 10))
		if v.ReadOnly {
			set("volume."+v.Name+".read_only", "true")
		}
	}
	for _, one := range s.Schedules {
		set("schedule."+one.Name+".cron", one.Cron)
		set("schedule."+one.Name+".zone", one.Zone)
		set("schedule."+one.Name+".path", one.Path)
	}
	for name, value := range s.Env {
		a["env."+name] = attribute{value, sensitive(name)}
	}
	for name, value := range v {
		a["secret."+name] = attribute{value, true}
	}
	return a
}

func changes(before, after map[string]attribute) []targets.Change {
	var list []targets.Change
	for name, value := range after {
		was, existed := before[name]
		if existed && was.value == value.value {
			continue
		}
		hidden := was.hidden || value.hidden
		c := targets.Change{Name: name, After: value.shown(hidden)}
		if existed {
			c.Before = was.shown(hidden)
		}
		list = append(list, c)
	}
	for name, was := range before {
		if _, stays := after[name]; !stays {
			list = append(list, targets.Change{Name: name, Before: was.shown(was.hidden)})
		}
	}
	slices.SortFunc(list, func(a, b targets.Change) int { return strings.Compare(a.Name, b.Name) })
	return list
}

func (a attribute) shown(hidden bool) string {
	if hidden {
		return "(sensitive)"
	}
	return a.value
}
