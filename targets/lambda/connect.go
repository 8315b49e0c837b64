package lambda

import (
	"context"

	"github.com/twofoldhq/twofold/targets"
)

// triggers connects what invokes the function beside its requests: they reach the
// version that the alias points to.
func (c *convergence) triggers(ctx context.Context, o *observed) error {
	s, w := c.session, c.wanted
	if o.alias == nil {
		// The alias is new: what it has, with its policy, is not yet known.
		var err error
		if o.grants, o.sources, err = s.observeGrants(ctx, w.name); err != nil {
			return err
		}
		if o.mappings, err = s.observeMappings(ctx, w.name); err != nil {
			return err
		}
		if o.notices, err = s.observeNotices(ctx, w.name, bucketsOf(w.notices, o.grants)); err != nil {
			return err
		}
	}
	if err := c.did(s.makeMappings(ctx, w, o.mappings)); err != nil {
		return err
	}
	if err := c.did(s.makeNotices(ctx, w, o)); err != nil {
		return err
	}
	if w.scheduler != nil {
		if err := c.did(s.makeRole(ctx, w.scheduler, o.scheduler)); err != nil {
			return err
		}
	}
	if err := c.did(s.makeSchedules(ctx, w, o.schedules)); err != nil {
		return err
	}
	if w.scheduler == nil && o.scheduler != nil {
		return c.did(s.removeRole(ctx, roleName("schedule-"+w.name, s.region), w.tags))
	}
	return nil
}

// removeTriggers takes away what invokes a function. It reports whether there was
// anything.
func (s *session) removeTriggers(ctx context.Context, o *observed, k targets.Key) (bool, error) {
	name := functionName(k)
	existed, err := s.removeSchedules(ctx, name, o.schedules)
	if err != nil {
		return existed, err
	}
	if o.scheduler != nil {
		existed = true
		if _, err := s.removeRole(ctx, roleName("schedule-"+name, s.region), ownTags(k)); err != nil {
			return true, err
		}
	}
	for _, arn := range sortedNames(o.mappings) {
		existed = true
		if err := s.removeMapping(ctx, arn, o.mappings[arn].id); err != nil {
			return true, err
		}
	}
	for _, bucket := range grantedBuckets(o.grants) {
		existed = true
		if err := s.removeNotices(ctx, name, bucket); err != nil {
			return true, err
		}
	}
	return existed, nil
}

// otherwise is added to what reads as it should, and is not set up like that.
const otherwise = ", and otherwise not as twofold sets it up"

// triggerAttributes are those of a plan.
func triggerAttributes(a map[string]string, schedules map[string]scheduled, mappings map[string]mapping, notices map[string]map[string]notice) {
	for name, one := range schedules {
		a["schedule."+name] = one.text()
	}
	for arn, m := range mappings {
		a["queue."+lastPart(arn)] = m.text()
	}
	for bucket, list := range notices {
		for id, n := range list {
			a["object."+bucket+"."+lastPart(id)] = n.text()
		}
	}
}

// triggerAttributes are what there is, told apart from what is wanted where the text of
// both is the same.
func (o *observed) triggerAttributes(a map[string]string, w *wanted) {
	triggerAttributes(a, o.schedules.list, o.mappings, o.notices)
	for name, want := range w.schedules {
		if is, exists := o.schedules.list[name]; exists && is != want && is.text() == want.text() {
			a["schedule."+name] += otherwise
		}
	}
	for bucket, list := range w.notices {
		for id, want := range list {
			if is, exists := o.notices[bucket][id]; exists && is != want && is.text() == want.text() || !o.grants[bucketGrant(bucket)] {
				a["object."+bucket+"."+lastPart(id)] += otherwise
			}
		}
	}
	if w.scheduler != nil && o.scheduler != nil && (!sameDocument(o.scheduler.policy, w.scheduler.policy) || !sameDocument(o.scheduler.trust, w.scheduler.trust)) {
		a["schedule.role"] = "other rights"
	}
}
