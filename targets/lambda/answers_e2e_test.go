//go:build e2e

package lambda

import (
	"errors"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/scheduler"
	schedulertypes "github.com/aws/aws-sdk-go-v2/service/scheduler/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/twofoldhq/twofold/targets"
)

// A function URL counts answers of 500 and more by version, where invocations do not fail.
func TestARolloutIsJudgedByAnswersOfAFunctionURL(t *testing.T) {
	d := twoReleases(t, 1)
	motoCloud.watch.count(d.Key, "2", 80, 3)
	motoCloud.watch.set(d.Key, "2", "Url5xxCount Sum", 20)
	motoCloud.set(nil, healthyApp)
	_, err := quick(t, nil).Deploy(t.Context(), d)
	var worse *targets.RolledBackError
	if !errors.As(err, &worse) || !strings.Contains(worse.Reason, "20 of 80 requests failed (25%)") {
		t.Errorf("deploy: %v", err)
	}
	sameMoves(t, "1 2:0.1", "1")
	d.Rollout = targets.Rollout{}
	converges(t, d)
}

func TestALongerTimeoutIsHeldAgainstTheQueuesFirst(t *testing.T) {
	c := beside(t)
	c.set(nil, healthyApp)
	queue := "raised"
	if _, err := c.session(t).sqs.CreateQueue(t.Context(), &sqs.CreateQueueInput{QueueName: &queue, Attributes: map[string]string{"VisibilityTimeout": "25"}}); err != nil {
		t.Fatal(err)
	}
	target, d := c.quick(t, nil), deploymentOf("raised")
	d.Triggers = []targets.Trigger{{Kind: targets.TriggerQueue, Name: "orders", Source: queue, Path: "/orders"}}
	deployedTwice(t, target, d)
	live, _ := c.alias(t, d.Key)
	d.Timeout *= 2
	if _, err := target.Deploy(t.Context(), d); err == nil || !strings.Contains(err.Error(), "delivers a message again after 25s") {
		t.Errorf("a timeout that is too long for the queue: %v", err)
	}
	if now, _ := c.alias(t, d.Key); now != live {
		t.Errorf("the traffic moved to version %s", now)
	}
	if _, err := target.Destroy(t.Context(), d.Key); err != nil {
		t.Error(err)
	}
}

func TestARunThatCannotBeHandedOverIsTriedForAnHour(t *testing.T) {
	c := beside(t)
	c.set(nil, healthyApp)
	ctx, s := t.Context(), c.session(t)
	target, d := c.quick(t, nil), deploymentOf("again")
	d.Schedules = []targets.Schedule{{Name: "nightly", Cron: "0 3 * * *", Path: "/nightly"}}
	deployedTwice(t, target, d)
	group := scheduleGroup(functionName(d.Key))
	one, err := s.scheduler.GetSchedule(ctx, &scheduler.GetScheduleInput{GroupName: &group, Name: aws.String("nightly")})
	if err != nil || aws.ToInt32(one.Target.RetryPolicy.MaximumEventAgeInSeconds) != 3600 || aws.ToInt32(one.Target.RetryPolicy.MaximumRetryAttempts) != 30 {
		t.Fatalf("the schedule is %+v, %v", one, err)
	}
	one.Target.RetryPolicy = &schedulertypes.RetryPolicy{MaximumEventAgeInSeconds: aws.Int32(86400), MaximumRetryAttempts: aws.Int32(185)}
	if _, err := s.scheduler.UpdateSchedule(ctx, &scheduler.UpdateScheduleInput{
		GroupName: &group, Name: one.Name, Target: one.Target, FlexibleTimeWindow: one.FlexibleTimeWindow, State: one.State,
		ScheduleExpression: one.ScheduleExpression, ScheduleExpressionTimezone: one.ScheduleExpressionTimezone,
	}); err != nil {
		t.Fatal(err)
	}
	mended(t, target, d, "schedule.nightly")
	if _, err := target.Destroy(ctx, d.Key); err != nil {
		t.Error(err)
	}
}
