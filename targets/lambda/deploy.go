package lambda

import (
	"context"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	awslambdaapi "github.com/aws/aws-sdk-go-v2/service/lambda"

	"github.com/twofoldhq/twofold/targets"
)

// cleanupTimeout bounds what is done after a deploy that failed.
const cleanupTimeout = time.Minute

// Deploy implements targets.Target. The alias that takes traffic moves to a version
// only after that version has answered its health path. A deploy that is killed at
// any point leaves the alias where it was or where it should be, and the next one
// goes on from there.
func (t *Target) Deploy(ctx context.Context, d targets.Deployment) (targets.Status, error) {
	status, err := t.deploy(ctx, d)
	if err != nil {
		return targets.Status{}, conceal(ctx, d.Env, fmt.Errorf("%s: deploy %q: %w", t.address(), d.Service, err))
	}
	return status, nil
}

func (t *Target) deploy(ctx context.Context, d targets.Deployment) (targets.Status, error) {
	s, err := t.open(ctx)
	if err != nil {
		return targets.Status{}, err
	}
	w, err := t.want(ctx, s, d)
	if err != nil {
		return targets.Status{}, err
	}
	c := &convergence{Target: t, session: s, wanted: w, deployment: d}
	if err := t.persist(ctx, func() error { return c.once(ctx) }); err != nil {
		c.undo(ctx)
		return targets.Status{}, err
	}
	if c.released && c.served {
		t.prune(ctx, s, d.Key, func(warning string) { say(d, true, "%s", warning) })
	}
	status, ok, err := t.status(ctx, s, d.Key)
	if err == nil && !ok {
		err = fmt.Errorf("it was destroyed meanwhile")
	}
	status.Changed = c.changed
	return status, err
}

// convergence is one deploy.
type convergence struct {
	*Target
	session    *session
	wanted     *wanted
	deployment targets.Deployment
	// looked and served: what was there when the deploy began could be read, and
	// it took traffic.
	looked, served bool
	changed        bool
	// released: the traffic moved, to the version serving, which is "" if it did not in
	// this try.
	released bool
	serving  string
}

// once looks at what there is, and changes what is not as it is wanted.
func (c *convergence) once(ctx context.Context) error {
	s, w := c.session, c.wanted
	o, err := s.observe(ctx, w.key)
	if err != nil {
		return err
	}
	if err := s.observeRest(ctx, o, w); err != nil {
		return err
	}
	c.serving = ""
	c.served = c.served || !c.looked && o.alias != nil
	c.looked = true
	if err := s.checkQueues(ctx, w, o); err != nil {
		return err
	}
	if w.role != nil {
		if err := c.did(s.makeRole(ctx, w.role, o.role)); err != nil {
			return err
		}
	}
	if err := c.did(s.makeGroup(ctx, w, o.logGroup)); err != nil {
		return err
	}
	if !w.runs(o.live) || o.weights() != "" {
		if err := c.release(ctx, o); err != nil {
			return err
		}
	}
	if err := c.readyInstances(ctx, o); err != nil {
		return err
	}
	if err := c.did(c.hosting(s, w.key, c.deployment.Events).makePublic(ctx, w, o)); err != nil {
		return err
	}
	if err := c.triggers(ctx, o); err != nil {
		return err
	}
	return c.attributes(ctx, o)
}

func (c *convergence) did(changed bool, err error) error {
	c.changed = c.changed || changed
	return err
}

// readyInstances keeps as many instances ready of the version that serves as are
// wanted, and none of the others.
func (c *convergence) readyInstances(ctx context.Context, o *observed) error {
	if c.serving == "" {
		c.serving = o.live.version
	}
	if err := c.did(c.keepReady(ctx, c.session, o, c.wanted.name, c.serving, c.wanted.ready)); err != nil {
		return err
	}
	return c.did(c.session.letGo(ctx, o, c.wanted.name, c.serving, c.wanted.ready))
}

// release moves the alias to a version that is what is wanted and has answered its
// health path.
func (c *convergence) release(ctx context.Context, o *observed) error {
	s, w := c.session, c.wanted
	c.changed = true
	version, err := c.version(ctx, o)
	if err != nil {
		return err
	}
	say(c.deployment, false, "waiting for %s of version %s", w.health, version.version)
	if version, err = c.settled(ctx, s, w.name, version.version); err != nil {
		return err
	}
	if err := c.healthy(ctx, s, probeOf(w), version.version); err != nil {
		return err
	}
	if w.ready > 0 {
		say(c.deployment, false, "waiting for %d instances of version %s to be ready", w.ready, version.version)
	}
	if _, err := c.keepReady(ctx, s, o, w.name, version.version, w.ready); err != nil {
		return err
	}
	// The version can take traffic from here on.
	c.released = true
	if err := c.serve(ctx, o, version.version); err != nil {
		if o.live != nil {
			// Nobody needs instances of a version that does not serve.
			_, _ = s.letGo(context.WithoutCancel(ctx), o, w.name, o.live.version, o.ready[o.live.version].wanted)
		}
		return err
	}
	c.serving = version.version
	return nil
}

// serve moves the traffic to a version, all at once or in steps.
func (c *convergence) serve(ctx context.Context, o *observed, version string) error {
	if o.alias != nil {
		return c.shift(ctx, o, version)
	}
	s, w := c.session, c.wanted
	say(c.deployment, false, "moving traffic to version %s", version)
	text := aliasText(w.digest, servings{})
	_, err := s.lambda.CreateAlias(ctx, &awslambdaapi.CreateAliasInput{
		FunctionName: &w.name, Name: aws.String(aliasName), FunctionVersion: &version, Description: &text,
	})
	if err != nil {
		return problem("create the alias of function", w.name, err)
	}
	return nil
}

// version is one that is what is wanted: there already, or published.
func (c *convergence) version(ctx context.Context, o *observed) (*observedFunction, error) {
	if o.function != nil {
		if found, err := c.session.findVersion(ctx, c.wanted); found != nil || err != nil {
			return found, err
		}
	}
	say(c.deployment, false, "handing over the %s", c.wanted.form.Kind)
	return c.makeVersion(ctx, c.session, c.wanted, o.function)
}

// attributes sets what belongs to the function and to no version.
func (c *convergence) attributes(ctx context.Context, o *observed) error {
	s, w := c.session, c.wanted
	f, err := o.function, error(nil)
	if f == nil {
		if f, err = s.observeFunction(ctx, w.name); err != nil {
			return err
		}
		if f == nil {
			return fmt.Errorf("function %q: %w", w.name, errMoved)
		}
	}
	if f.reserved != w.reserved {
		c.changed = true
		if w.reserved > 0 {
			_, err = s.lambda.PutFunctionConcurrency(ctx, &awslambdaapi.PutFunctionConcurrencyInput{FunctionName: &w.name, ReservedConcurrentExecutions: &w.reserved})
		} else {
			_, err = s.lambda.DeleteFunctionConcurrency(ctx, &awslambdaapi.DeleteFunctionConcurrencyInput{FunctionName: &w.name})
		}
		if err != nil {
			return problem(fmt.Sprintf("bound the instances to scale.max = %d for function", w.reserved), w.name, err)
		}
	}
	if tags := withRelease(w.tags, w.digest); !covers(f.tags, tags) {
		c.changed = true
		if _, err := s.lambda.TagResource(ctx, &awslambdaapi.TagResourceInput{Resource: &f.arn, Tags: tags}); err != nil {
			return problem("tag function", w.name, err)
		}
	}
	return nil
}

// makeGroup makes the log group what it should be. It reports whether it changed
// anything.
func (s *session) makeGroup(ctx context.Context, w *wanted, o *observedGroup) (bool, error) {
	changed := false
	if o == nil {
		_, err := s.logs.CreateLogGroup(ctx, &cloudwatchlogs.CreateLogGroupInput{LogGroupName: &w.logGroup, Tags: w.tags})
		if err != nil {
			return false, problem("create log group", w.logGroup, err)
		}
		o, changed = &observedGroup{}, true
	}
	if o.retention == w.retention {
		return changed, nil
	}
	var err error
	if w.retention > 0 {
		_, err = s.logs.PutRetentionPolicy(ctx, &cloudwatchlogs.PutRetentionPolicyInput{LogGroupName: &w.logGroup, RetentionInDays: &w.retention})
	} else {
		_, err = s.logs.DeleteRetentionPolicy(ctx, &cloudwatchlogs.DeleteRetentionPolicyInput{LogGroupName: &w.logGroup})
	}
	if err != nil {
		return changed, problem("set how long is kept what is in log group", w.logGroup, err)
	}
	return true, nil
}

// undo removes what a first deploy has made that failed. What takes traffic stays.
func (c *convergence) undo(ctx context.Context) {
	if !c.looked || c.served {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), cleanupTimeout)
	defer cancel()
	if o, err := c.session.observe(ctx, c.wanted.key); err != nil || o.alias != nil {
		return
	}
	if _, err := c.remove(ctx, c.session, c.wanted.key); err != nil {
		say(c.deployment, true, "what the deploy had made is still there (%v): twofold destroy removes it", err)
	}
}
