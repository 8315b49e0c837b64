//go:build e2e

package lambda

import (
	"context"
	"fmt"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	s3types "github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/twofoldhq/twofold/manifest/schema"
	"github.com/twofoldhq/twofold/targets"
)

// deployed is a deployment with the settings of its target block.
type deployed struct {
	settings schema.Values
	// of returns the deployment in an environment; sources are those of the account.
	of func(environment string, in sources) targets.Deployment
}

func plainly(environment string, _ sources) targets.Deployment { return deploymentOf(environment) }

// everythingOf has a schedule, a queue, a bucket, secrets, and comes through an HTTP API.
func everythingOf(environment string, in sources) targets.Deployment {
	d := withTriggers(deploymentOf(environment), in.queue, in.bucket)
	d.Scale.Min = 2
	d.Secrets = []targets.Secret{{Name: "DATABASE_URL", From: "shop/database"}, {Name: "TOKEN", From: "ssm:/shop/token"}}
	return d
}

func changed(of func(string, sources) targets.Deployment, change func(*targets.Deployment)) func(string, sources) targets.Deployment {
	return func(environment string, in sources) targets.Deployment {
		d := of(environment, in)
		change(&d)
		return d
	}
}

func toTheSecond(d *targets.Deployment) { d.Release = releases.Two }

// scenario is an operation that is interrupted at each of its calls.
type scenario struct {
	name string
	// before is deployed undisturbed, one after the other, and then run is interrupted.
	before []deployed
	// after is what the next deploy is to come to.
	after deployed
	does  string
	run   func(ctx context.Context, t *Target, d targets.Deployment) error
}

func deployIt(ctx context.Context, t *Target, d targets.Deployment) error {
	_, err := t.Deploy(ctx, d)
	return err
}

func destroyIt(ctx context.Context, t *Target, d targets.Deployment) error {
	_, err := t.Destroy(ctx, d.Key)
	return err
}

func rollItBack(ctx context.Context, t *Target, d targets.Deployment) error {
	_, err := t.rollback(ctx, targets.RollbackRequest{Key: d.Key})
	return err
}

func scenarios() []scenario {
	api := schema.Values{"public": "api", "log_retention_days": int64(30)}
	plain, everything := deployed{nil, plainly}, deployed{api, everythingOf}
	second := deployed{nil, changed(plainly, toTheSecond)}
	other := deployed{nil, changed(plainly, func(d *targets.Deployment) {
		d.Env = map[string]string{"LOG_LEVEL": "debug"}
		d.Memory, d.Scale.Max, d.TriggersOnly = 512<<20, 0, true
	})}
	inSteps := deployed{nil, changed(plainly, func(d *targets.Deployment) {
		toTheSecond(d)
		d.Rollout = targets.Rollout{Steps: []int{10, 50}, Wait: time.Millisecond, MaxErrors: 1}
	})}
	keepOne := func(d *targets.Deployment) { d.Scale = targets.Scale{Min: 1, Max: 1} }
	ready, secondReady := deployed{nil, changed(plainly, keepOne)}, deployed{nil, changed(changed(plainly, toTheSecond), keepOne)}
	return []scenario{
		{name: "first", after: plain, does: "deploy", run: deployIt},
		{name: "release", before: []deployed{plain}, after: second, does: "deploy", run: deployIt},
		{name: "settings", before: []deployed{plain}, after: other, does: "deploy", run: deployIt},
		{name: "rollout", before: []deployed{plain}, after: inSteps, does: "deploy", run: deployIt},
		{name: "rollback", before: []deployed{plain, second}, after: plain, does: "rollback", run: rollItBack},
		{name: "ready", before: []deployed{ready}, after: secondReady, does: "deploy", run: deployIt},
		{name: "ready-rollback", before: []deployed{ready, secondReady}, after: ready, does: "rollback", run: rollItBack},
		{name: "destroy", before: []deployed{plain}, after: plain, does: "destroy", run: destroyIt},
		{name: "everything", after: everything, does: "deploy", run: deployIt},
		{name: "everything-new", before: []deployed{everything}, after: deployed{api, changed(everythingOf, func(d *targets.Deployment) {
			toTheSecond(d)
			d.Schedules[0].Cron, d.Triggers[0].Batch, d.Triggers[1].Prefix = "30 4 * * *", 5, "new/"
		})}, does: "deploy", run: deployIt},
		{name: "everything-dropped", before: []deployed{everything}, after: plain, does: "deploy", run: deployIt},
		{name: "everything-destroyed", before: []deployed{everything}, after: everything, does: "destroy", run: destroyIt},
	}
}

// sources are a queue and a bucket, as their owner has made them, with a notification
// in the bucket that is not twofold's.
type sources struct{ queue, bucket string }

// sourcesIn are those of an account, which stay.
func (c *cloud) sourcesIn(t *testing.T) sources {
	t.Helper()
	c.making.Lock()
	defer c.making.Unlock()
	in := sources{queue: "orders", bucket: "uploads-" + c.account}
	if c.hasSources {
		return in
	}
	c.hasSources = true
	s := c.session(t)
	ctx := t.Context()
	if _, err := s.sqs.CreateQueue(ctx, &sqs.CreateQueueInput{QueueName: &in.queue, Attributes: map[string]string{"VisibilityTimeout": "60"}}); err != nil {
		t.Fatal(err)
	}
	if _, err := s.s3.CreateBucket(ctx, &s3.CreateBucketInput{
		Bucket: &in.bucket, CreateBucketConfiguration: &s3types.CreateBucketConfiguration{LocationConstraint: s3types.BucketLocationConstraint(s.region)},
	}); err != nil {
		t.Fatal(err)
	}
	if _, err := s.sqs.CreateQueue(ctx, &sqs.CreateQueueInput{QueueName: aws.String("others")}); err != nil {
		t.Fatal(err)
	}
	if _, err := s.s3.PutBucketNotificationConfiguration(ctx, &s3.PutBucketNotificationConfigurationInput{
		Bucket: &in.bucket, NotificationConfiguration: &s3types.NotificationConfiguration{QueueConfigurations: []s3types.QueueConfiguration{{
			Id: aws.String("others"), QueueArn: aws.String(s.queueARN("others")), Events: []s3types.Event{"s3:ObjectRemoved:*"},
		}}},
	}); err != nil {
		t.Fatal(err)
	}
	return in
}

// session is one of an account that has a profile.
func (c *cloud) session(t *testing.T) *session {
	t.Helper()
	s, err := c.quick(t, nil).open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// prepared has what a scenario needs, and nothing disturbs it.
func (s scenario) prepared(t *testing.T, c *cloud, environment string) (*Target, targets.Deployment) {
	t.Helper()
	c.set(nil, healthyApp)
	in := c.sourcesIn(t)
	for _, before := range s.before {
		if _, err := c.quick(t, before.settings).Deploy(t.Context(), before.of(environment, in)); err != nil {
			t.Fatal(err)
		}
	}
	return c.quick(t, s.after.settings), s.after.of(environment, in)
}

// undisturbed are the calls of the operation when nothing goes wrong.
func (s scenario) undisturbed(t *testing.T, c *cloud) []call {
	t.Helper()
	target, d := s.prepared(t, c, s.name)
	c.set(nil, healthyApp)
	if err := s.run(t.Context(), target, d); err != nil {
		t.Fatal(err)
	}
	calls := c.made()
	c.converges(t, s.after.settings, d)
	return calls
}

// converges deploys once more, and checks that all is as it should be then.
func converges(t *testing.T, d targets.Deployment) {
	t.Helper()
	motoCloud.converges(t, nil, d)
}

func (c *cloud) converges(t *testing.T, settings schema.Values, d targets.Deployment) {
	t.Helper()
	c.set(nil, healthyApp)
	target := c.quick(t, settings)
	st, err := target.Deploy(t.Context(), d)
	if err != nil {
		t.Fatalf("the next deploy: %v", err)
	}
	if st.State != targets.Running || st.Release != d.Release.Digest {
		t.Errorf("the next deploy comes to %+v", st)
	}
	c.checkTraffic(t, d.Key)
	if p, err := target.Plan(t.Context(), d); err != nil || p.Action != targets.ActionNone {
		t.Errorf("plan after the next deploy: %+v, %v", p, err)
	}
	if _, err := target.Destroy(t.Context(), d.Key); err != nil {
		t.Errorf("destroy: %v", err)
	}
	if p, err := target.Plan(t.Context(), d); err != nil || p.Action != targets.ActionCreate {
		t.Errorf("plan after destroy: %+v, %v", p, err)
	}
	c.checkSources(t)
}

// checkSources checks that nothing of twofold is left at the sources, and that what is
// others' is.
func (c *cloud) checkSources(t *testing.T) {
	t.Helper()
	c.making.Lock()
	has := c.hasSources
	c.making.Unlock()
	if !has {
		return
	}
	in := c.sourcesIn(t)
	config, err := c.session(t).notifications(t.Context(), in.bucket)
	if err != nil || len(config.LambdaFunctionConfigurations) != 0 || len(config.QueueConfigurations) != 1 {
		t.Errorf("the notifications of the bucket after all: %+v, %v", config, err)
	}
}

// TestInterruptedAtAnyCallTheNextDeployConverges interrupts an operation before its first
// call, and after each call that changes something, in two ways: nothing of it reaches AWS
// from then on, as when its process is killed; or it is told to stop, and tidies up. At
// the calls in between, which only look, AWS is as it was after the change before.
func TestInterruptedAtAnyCallTheNextDeployConverges(t *testing.T) {
	var points, states atomic.Int64
	t.Run("scenarios", func(t *testing.T) {
		for _, s := range scenarios() {
			t.Run(s.name, func(t *testing.T) {
				calls := s.undisturbed(t, motoCloud)
				for n := range len(calls) + 1 {
					if n > 0 && calls[n-1].reads() {
						continue
					}
					states.Add(1)
					what := "nothing"
					if n > 0 {
						what = calls[n-1].String()
					}
					for _, way := range []string{"killed", "stopped"} {
						t.Run(fmt.Sprintf("%s after call %d, %s", way, n, what), func(t *testing.T) {
							c := beside(t)
							points.Add(1)
							s.interrupted(t, c, n, way == "killed", n < len(calls))
						})
					}
				}
			})
		}
	})
	t.Logf("%d interruption points, at %d states of AWS", points.Load(), states.Load())
}

// interrupted ends an operation after a number of calls. More is to come in it then.
func (s scenario) interrupted(t *testing.T, c *cloud, n int, killed, more bool) {
	target, d := s.prepared(t, c, fmt.Sprintf("%s-%d-%t", s.name, n, killed))
	ctx, end := context.WithCancel(t.Context())
	defer end()
	if n == 0 {
		end()
	}
	c.set(func(one call) verdict {
		switch {
		case one.n == n:
			return verdict{edit: func(_ *http.Response, body []byte) []byte {
				end()
				if killed {
					panic(http.ErrAbortHandler)
				}
				return body
			}}
		case one.n > n && killed:
			return verdict{before: true}
		}
		return verdict{}
	}, healthyApp)
	if err := s.run(ctx, target, d); err == nil && more {
		t.Error("an operation that was interrupted returns no error")
	}
	c.checkTraffic(t, d.Key)
	c.converges(t, s.after.settings, d)
}

// TestOneCallThatFailsIsRepeated lets each call that changes something fail, once so that
// it took effect and once so that it did not, and each kind of call that only looks, in
// one way by turns: one deploy is enough.
func TestOneCallThatFailsIsRepeated(t *testing.T) {
	lost := fault{"lost after", verdict{after: true}}
	others := []fault{
		{"throttled", verdict{answer: awsError(http.StatusTooManyRequests, "ThrottlingException", "Rate exceeded")}},
		{"server error", verdict{answer: awsError(http.StatusInternalServerError, "ServiceException", "it is our fault")}},
		{"lost before", verdict{before: true}},
	}
	var points atomic.Int64
	looked := map[string]bool{}
	t.Run("scenarios", func(t *testing.T) {
		for _, s := range scenarios() {
			t.Run(s.name, func(t *testing.T) {
				calls := s.undisturbed(t, motoCloud)
				for n, one := range calls {
					faults := []fault{others[n%len(others)]}
					if kind := s.kind(one); !one.reads() {
						faults = append(faults, lost)
					} else if looked[kind] {
						continue
					} else {
						looked[kind] = true
					}
					for _, f := range faults {
						t.Run(fmt.Sprintf("call %d, %s, %s", n+1, one, f.name), func(t *testing.T) {
							c := beside(t)
							points.Add(1)
							s.disturbed(t, c, n+1, f)
						})
					}
				}
			})
		}
	})
	t.Logf("%d calls that failed", points.Load())
}

// kind is what a call does in what operation, whatever it does it to.
func (s scenario) kind(c call) string {
	if rights := rightsOf(c, "*", "*"); len(rights) > 0 {
		return s.does + " " + rights[0].action
	}
	return s.does + " " + c.target
}

type fault struct {
	name string
	verdict
}

func (s scenario) disturbed(t *testing.T, c *cloud, n int, f fault) {
	target, d := s.prepared(t, c, fmt.Sprintf("%s-%d-%s", s.name, n, f.name[:4]))
	c.set(func(one call) verdict {
		if one.n == n {
			return f.verdict
		}
		return verdict{}
	}, healthyApp)
	if err := s.run(t.Context(), target, d); err != nil {
		t.Error(err)
	}
	c.checkTraffic(t, d.Key)
	c.set(nil, healthyApp)
	done := targets.ActionNone
	switch s.does {
	case "destroy":
		done = targets.ActionCreate
	case "rollback":
		c.converges(t, s.after.settings, d)
		return
	}
	if p, err := target.Plan(t.Context(), d); err != nil || p.Action != done {
		t.Errorf("plan after it: %+v, %v", p, err)
	}
	if s.does == "deploy" {
		if _, err := target.Destroy(t.Context(), d.Key); err != nil {
			t.Errorf("destroy: %v", err)
		}
	}
	c.checkSources(t)
}
