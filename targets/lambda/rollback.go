package lambda

import (
	"context"
	"fmt"
	"slices"
	"strings"

	awslambdaapi "github.com/aws/aws-sdk-go-v2/service/lambda"

	"github.com/twofoldhq/twofold/targets"
)

// rollback makes a version that has served before take all of the traffic again, once
// it has answered its health path. A rollout that is under way is stopped by it: with
// no release named, the version that served before the rollout takes all of the
// traffic. Everything that belongs to the alias stays, such as the URL and the
// triggers. $LATEST stays too: the next deploy of the manifest moves on from there.
func (t *Target) rollback(ctx context.Context, r targets.RollbackRequest) (targets.Status, error) {
	s, err := t.open(ctx)
	if err != nil {
		return targets.Status{}, err
	}
	changed := false
	err = t.persist(ctx, func() error {
		var err error
		changed, err = t.rollBackOnce(ctx, s, r)
		return err
	})
	if err != nil {
		return targets.Status{}, conceal(ctx, nil, fmt.Errorf("%s: rollback %q: %w", t.address(), r.Service, err))
	}
	status, ok, err := t.status(ctx, s, r.Key)
	if err == nil && !ok {
		err = fmt.Errorf("%s: rollback %q: it was destroyed meanwhile", t.address(), r.Service)
	}
	status.Changed = changed
	return status, err
}

// rollBackOnce looks at what there is, and reports whether it changed anything.
func (t *Target) rollBackOnce(ctx context.Context, s *session, r targets.RollbackRequest) (bool, error) {
	tell := func(format string, args ...any) { say(targets.Deployment{Events: r.Events}, false, format, args...) }
	o, err := s.observe(ctx, r.Key)
	if err != nil {
		return false, err
	}
	if o.live == nil {
		return false, fmt.Errorf("it is not deployed in environment %q: deploy it first", r.Environment)
	}
	list, err := s.versions(ctx, functionName(r.Key))
	if err != nil {
		return false, err
	}
	to, err := o.destination(list, r.Release)
	if err != nil {
		return false, err
	}
	split := o.weights() != ""
	if to.version != o.live.version {
		tell("waiting for the health path of version %s", to.version)
		if to, err = t.settled(ctx, s, functionName(r.Key), to.version); err != nil {
			return false, err
		}
		if err := t.healthy(ctx, s, probeIn(functionName(r.Key), to), to.version); err != nil {
			return false, err
		}
	} else if !split {
		return false, s.tagRelease(ctx, o, r.Key, releaseOf(to.config.description))
	}
	count, bound := o.ready[o.live.version].wanted, o.function.reserved
	if _, err := t.keepReady(ctx, s, o, functionName(r.Key), to.version, count); err != nil {
		return false, err
	}
	// The version can take traffic from here on.
	tell("moving all of the traffic to version %s", to.version)
	digest, history := releaseOf(to.config.description), o.servings()
	if to.version != o.live.version {
		history = history.rolledBack(o.live.version, to.version)
	}
	if _, err := t.route(ctx, s, functionName(r.Key), o.alias, routing{version: to.version}, aliasText(digest, history)); err != nil {
		return false, err
	}
	if _, err := s.letGo(ctx, o, functionName(r.Key), to.version, count); err != nil {
		return true, err
	}
	if o.function.reserved != bound {
		name := functionName(r.Key)
		if _, err := s.lambda.PutFunctionConcurrency(ctx, &awslambdaapi.PutFunctionConcurrencyInput{FunctionName: &name, ReservedConcurrentExecutions: &bound}); err != nil {
			return true, problem(fmt.Sprintf("bound the instances to scale.max = %d for function", bound), name, err)
		}
	}
	return true, s.tagRelease(ctx, o, r.Key, digest)
}

// tagRelease says at the function which release serves.
func (s *session) tagRelease(ctx context.Context, o *observed, k targets.Key, digest string) error {
	tags := withRelease(ownTags(k), digest)
	if covers(o.function.tags, tags) {
		return nil
	}
	if _, err := s.lambda.TagResource(ctx, &awslambdaapi.TagResourceInput{Resource: &o.function.arn, Tags: tags}); err != nil {
		return problem("tag function", functionName(k), err)
	}
	return nil
}

// destination is the version that a rollback goes to. Its error lists those that
// there are.
func (o *observed) destination(list []*observedFunction, release string) (*observedFunction, error) {
	earlier := o.earlier(list)
	if release == "" {
		if o.weights() != "" {
			return o.live, nil
		}
		return o.previous(earlier)
	}
	wanted := strings.TrimPrefix(release, "sha256:")
	fits := func(f *observedFunction) bool {
		return strings.HasPrefix(strings.TrimPrefix(releaseOf(f.config.description), "sha256:"), wanted)
	}
	var found *observedFunction
	for _, f := range append([]*observedFunction{o.live}, earlier...) {
		switch {
		case !fits(f):
		case found == nil:
			found = f
		case releaseOf(found.config.description) != releaseOf(f.config.description):
			return nil, fmt.Errorf("more than one release begins with %q: write more of it.%s", release, choices(append([]*observedFunction{o.live}, earlier...)))
		}
	}
	if found == nil {
		return nil, fmt.Errorf("there is no release %q to go back to.%s", release, choices(earlier))
	}
	return found, nil
}

// previous is the version that took the traffic before the one that takes it now. Where
// the alias does not say which that was, it is the one before it by number.
func (o *observed) previous(earlier []*observedFunction) (*observedFunction, error) {
	for _, version := range o.servings().before {
		if at := slices.IndexFunc(earlier, func(f *observedFunction) bool { return f.version == version }); at >= 0 {
			return earlier[at], nil
		}
	}
	h := o.servings()
	for _, f := range earlier {
		if len(h.left) == 0 && versionNumber(f.version) < versionNumber(o.live.version) {
			return f, nil
		}
	}
	return nil, fmt.Errorf("no release ran before the one that serves.%s", choices(earlier))
}

// choices are the releases that a rollback can name.
func choices(list []*observedFunction) string {
	if len(list) == 0 {
		return " There is no other one"
	}
	var b strings.Builder
	b.WriteString(" There are:")
	for _, f := range list {
		fmt.Fprintf(&b, "\n  %s, version %s of %s", releaseOf(f.config.description), f.version, f.modified.Format("2006-01-02 15:04 MST"))
	}
	return b.String()
}
