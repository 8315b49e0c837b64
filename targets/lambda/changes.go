package lambda

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/twofoldhq/twofold/targets"
)

// The attributes of a plan that hold the value of a variable begin with this.
const envAttribute = "env."

// Plan implements targets.Target. The value that a variable has on AWS is not shown,
// since it may have been sensitive when it was deployed.
func (t *Target) Plan(ctx context.Context, d targets.Deployment) (targets.Plan, error) {
	p := targets.Plan{Key: d.Key, Target: t.address(), Action: targets.ActionNone}
	err := t.plan(ctx, d, &p)
	if err != nil {
		err = conceal(ctx, d.Env, fmt.Errorf("%s: plan %q: %w", t.address(), d.Service, err))
	}
	return p, err
}

func (t *Target) plan(ctx context.Context, d targets.Deployment, p *targets.Plan) error {
	s, err := t.open(ctx)
	if err != nil {
		return err
	}
	w, err := t.want(ctx, s, d)
	if err != nil {
		return err
	}
	o, err := s.observe(ctx, d.Key)
	if err != nil {
		return err
	}
	if err := s.observeRest(ctx, o, w); err != nil {
		return err
	}
	p.Changes = w.changes(o)
	switch {
	case o.live == nil:
		p.Action = targets.ActionCreate
	case len(p.Changes) > 0:
		p.Action = targets.ActionUpdate
	}
	return nil
}

// changes are the attributes that differ, sorted by name.
func (w *wanted) changes(o *observed) []targets.Change {
	before, after := o.attributes(w), w.attributes()
	var list []targets.Change
	for name, value := range after {
		if was, existed := before[name]; !existed || was != value {
			list = append(list, w.change(name, was, value, existed, true))
		}
	}
	for name, was := range before {
		if _, stays := after[name]; !stays {
			list = append(list, w.change(name, was, "", true, false))
		}
	}
	slices.SortFunc(list, func(a, b targets.Change) int { return strings.Compare(a.Name, b.Name) })
	return list
}

func (w *wanted) change(name, before, after string, existed, stays bool) targets.Change {
	if variable, ok := strings.CutPrefix(name, envAttribute); ok {
		if existed {
			before = "(not shown)"
		}
		if stays && slices.Contains(w.sensitive, variable) {
			after = "(sensitive)"
		}
	}
	return targets.Change{Name: name, Before: before, After: after}
}

// attributes of a version. Two versions with the same ones are alike.
func (c functionConfig) attributes(codeSum string) map[string]string {
	a := map[string]string{
		"release": releaseOf(c.description), "code": codeSum, "runtime": c.runtime, "architecture": c.architecture, "handler": c.handler,
		"role": c.role, "memory": fmt.Sprintf("%d MB", c.memory), "timeout": fmt.Sprintf("%ds", c.timeout),
	}
	for name, value := range c.env {
		a[envAttribute+name] = value
	}
	if c.image {
		a["form"] = "image"
	}
	for _, name := range []string{"runtime", "handler"} {
		if a[name] == "" {
			delete(a, name)
		}
	}
	list := func(name string, values []string) {
		if len(values) > 0 {
			values = slices.Clone(values)
			slices.Sort(values)
			a[name] = strings.Join(values, ", ")
		}
	}
	list("subnets", c.subnets)
	list("security_groups", c.groups)
	c.instanceAttributes(a)
	if c.mount != "" {
		a["volume"] = c.mount + " at " + c.path
	}
	return a
}

func (w *wanted) attributes() map[string]string {
	a := w.config.attributes(w.codeSum)
	a["logs.retention"] = retentionText(w.retention)
	if w.reserved > 0 {
		a["scale.max"] = strconv.Itoa(int(w.reserved))
	}
	if w.ready > 0 {
		a["scale.min"] = strconv.Itoa(int(w.ready))
	}
	if public := w.publicAttribute(); public != "" {
		a["public"] = public
	}
	if w.domain != "" {
		a["domain"] = w.domain
	}
	if w.listener != "" {
		a["listener"] = w.listener
	}
	if w.role != nil {
		a["role.policy"] = "the rights that the manifest implies"
	}
	triggerAttributes(a, w.schedules, w.mappings, w.notices)
	if w.scheduler != nil {
		a["schedule.role"] = "may invoke the function"
	}
	a["tags"] = "this deployment's"
	return a
}

func (o *observed) attributes(w *wanted) map[string]string {
	if o.live == nil {
		return nil
	}
	a := o.live.config.attributes(o.live.codeSum)
	if o.function.reserved > 0 {
		a["scale.max"] = strconv.Itoa(int(o.function.reserved))
	}
	if one := o.ready[o.live.version]; one.wanted > 0 {
		a["scale.min"] = strconv.Itoa(int(one.wanted))
	}
	if o.public != "" {
		a["public"] = o.public
	}
	if domain := o.domainAttribute(w); domain != "" {
		a["domain"] = domain
	}
	if listener := o.marks[tagListener]; listener != "" {
		a["listener"] = listener
	}
	if o.logGroup != nil {
		a["logs.retention"] = retentionText(o.logGroup.retention)
	}
	if w.role != nil && o.role != nil {
		a["role.policy"] = "the rights that the manifest implies"
		if !sameDocument(o.role.policy, w.role.policy) || !sameDocument(o.role.trust, w.role.trust) {
			a["role.policy"] = "other rights"
		}
	}
	if covers(o.function.tags, withRelease(w.tags, w.digest)) {
		a["tags"] = "this deployment's"
	}
	if o.scheduler != nil {
		a["schedule.role"] = "may invoke the function"
	}
	o.triggerAttributes(a, w)
	if weights := o.weights(); weights != "" {
		a["traffic"] = weights
	}
	return a
}

// weights say which versions share the traffic, "" if there is one.
func (o *observed) weights() string {
	if o.alias == nil || o.alias.RoutingConfig == nil {
		return ""
	}
	var parts []string
	for version, weight := range o.alias.RoutingConfig.AdditionalVersionWeights {
		parts = append(parts, fmt.Sprintf("version %s gets %s%%", version, short(100*weight)))
	}
	slices.Sort(parts)
	return strings.Join(parts, ", ")
}

func retentionText(days int32) string {
	if days == 0 {
		return "forever"
	}
	return fmt.Sprintf("%d days", days)
}
