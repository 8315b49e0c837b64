//go:build e2e

package lambda

import (
	"net/http"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	awslambdaapi "github.com/aws/aws-sdk-go-v2/service/lambda"
	lambdatypes "github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/aws/aws-sdk-go-v2/service/scheduler"
	schedulertypes "github.com/aws/aws-sdk-go-v2/service/scheduler/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/twofoldhq/twofold/manifest/schema"
	"github.com/twofoldhq/twofold/targets"
)

func TestTheFunctionIsTaggedWithTheReleaseThatServes(t *testing.T) {
	d := twoReleases(t, 1)
	d.Rollout = targets.Rollout{}
	target := quick(t, nil)
	s, err := target.open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	tagged := func(release string) {
		t.Helper()
		out, err := s.lambda.ListTags(t.Context(), &awslambdaapi.ListTagsInput{Resource: aws.String(s.functionARN(functionName(d.Key)))})
		if err != nil || out.Tags[tagRelease] != release {
			t.Errorf("the tag is %q, %v; want %q", out.Tags[tagRelease], err, release)
		}
	}
	tagged(releases.One.Digest)
	if _, err := target.Deploy(t.Context(), d); err != nil {
		t.Fatal(err)
	}
	tagged(releases.Two.Digest)
	if _, err := target.rollback(t.Context(), targets.RollbackRequest{Key: d.Key}); err != nil {
		t.Fatal(err)
	}
	tagged(releases.One.Digest)
	converges(t, d)
}

// An alias of somebody else's, with a part of its traffic on another version.
func TestVersionsThatAnotherAliasPointsToAreKept(t *testing.T) {
	c := beside(t)
	c.set(nil, healthyApp)
	target, d := c.quick(t, schema.Values{"keep_releases": int64(1)}), deploymentOf("aliased")
	name := functionName(d.Key)
	for n := range 5 {
		d.Memory = int64(256+n) << 20
		if _, err := target.Deploy(t.Context(), d); err != nil {
			t.Fatal(err)
		}
		if n == 1 {
			if _, err := c.session(t).lambda.CreateAlias(t.Context(), &awslambdaapi.CreateAliasInput{
				FunctionName: &name, Name: aws.String("theirs"), FunctionVersion: aws.String("1"),
				RoutingConfig: &lambdatypes.AliasRoutingConfiguration{AdditionalVersionWeights: map[string]float64{"2": 0.5}},
			}); err != nil {
				t.Fatal(err)
			}
		}
	}
	var deleted []string
	for _, one := range c.made() {
		if one.method == http.MethodDelete && one.service == "lambda" {
			deleted = append(deleted, one.target[strings.LastIndexByte(one.target, '=')+1:])
		}
	}
	if got := strings.Join(deleted, ","); got != "3" {
		t.Errorf("it deletes the versions %s, want 3", got)
	}
	if _, err := target.Destroy(t.Context(), d.Key); err != nil {
		t.Error(err)
	}
}

func TestTriggersThatWereDisabledByHandAreMended(t *testing.T) {
	c := beside(t)
	c.set(nil, healthyApp)
	ctx, s := t.Context(), c.session(t)
	if _, err := s.sqs.CreateQueue(ctx, &sqs.CreateQueueInput{QueueName: aws.String("disabled"), Attributes: map[string]string{"VisibilityTimeout": "60"}}); err != nil {
		t.Fatal(err)
	}
	target, d := c.quick(t, nil), deploymentOf("disabled")
	d.Triggers = []targets.Trigger{{Kind: targets.TriggerQueue, Name: "orders", Source: "disabled", Path: "/orders"}}
	d.Schedules = []targets.Schedule{{Name: "nightly", Cron: "0 3 * * *", Path: "/nightly"}}
	deployedTwice(t, target, d)

	name := functionName(d.Key)
	mappings, err := s.observeMappings(ctx, name)
	if err != nil || len(mappings) != 1 {
		t.Fatalf("mappings: %+v, %v", mappings, err)
	}
	for _, m := range mappings {
		if _, err := s.lambda.UpdateEventSourceMapping(ctx, &awslambdaapi.UpdateEventSourceMappingInput{UUID: aws.String(m.id), Enabled: aws.Bool(false)}); err != nil {
			t.Fatal(err)
		}
	}
	mended(t, target, d, "queue.disabled")

	group := scheduleGroup(name)
	one, err := s.scheduler.GetSchedule(ctx, &scheduler.GetScheduleInput{GroupName: &group, Name: aws.String("nightly")})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.scheduler.UpdateSchedule(ctx, &scheduler.UpdateScheduleInput{
		GroupName: &group, Name: one.Name, Target: one.Target, FlexibleTimeWindow: one.FlexibleTimeWindow, State: schedulertypes.ScheduleStateDisabled,
		ScheduleExpression: one.ScheduleExpression, ScheduleExpressionTimezone: one.ScheduleExpressionTimezone,
	}); err != nil {
		t.Fatal(err)
	}
	mended(t, target, d, "schedule.nightly")
	if _, err := target.Destroy(ctx, d.Key); err != nil {
		t.Error(err)
	}
}
