//go:build e2e

package lambda

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	awslambdaapi "github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/scheduler"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/twofoldhq/twofold/targets"
)

func withTriggers(d targets.Deployment, queue, bucket string) targets.Deployment {
	d.Schedules = []targets.Schedule{{Name: "nightly", Cron: "0 3 * * 1-5", Zone: "Europe/Berlin", Path: "/nightly"}}
	d.Triggers = []targets.Trigger{
		{Kind: targets.TriggerQueue, Name: "orders", Source: queue, Path: "/orders", Batch: 20},
		{Kind: targets.TriggerObject, Name: "uploads", Source: bucket, Path: "/uploads", Created: true, Prefix: "in/", Suffix: ".jpg"},
	}
	return d
}

func TestTriggersAreMadeMendedAndRemoved(t *testing.T) {
	motoCloud.set(nil, healthyApp)
	target := quick(t, nil)
	s, err := target.open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	environment := environmentOf(t, 1)
	in := motoCloud.sourcesIn(t)
	queue, bucket := in.queue, in.bucket
	plain := deploymentOf(environment)
	d := withTriggers(plain, queue, bucket)
	deploy(t, target, d, true)
	checkTriggers(t, s, d, queue, bucket)
	motoCloud.set(nil, healthyApp)
	deploy(t, target, d, false)
	for _, c := range motoCloud.made() {
		if c.method != "GET" && !strings.Contains(c.target, "Get") && !strings.Contains(c.target, "Describe") && !strings.Contains(c.target, "List") {
			t.Errorf("a deploy that changes nothing sends %s", c)
		}
	}

	// What somebody changes by hand is seen and mended.
	name := functionName(d.Key)
	mappings, err := s.observeMappings(t.Context(), name)
	if err != nil || len(mappings) != 1 {
		t.Fatalf("mappings: %v, %v", mappings, err)
	}
	for _, m := range mappings {
		if _, err := s.lambda.UpdateEventSourceMapping(t.Context(), &awslambdaapi.UpdateEventSourceMappingInput{UUID: &m.id, BatchSize: aws.Int32(3)}); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := s.scheduler.DeleteSchedule(t.Context(), &scheduler.DeleteScheduleInput{GroupName: &name, Name: aws.String("nightly")}); err != nil {
		t.Fatal(err)
	}
	if err := s.putNotices(t.Context(), name, bucket, map[string]notice{noticeID(name, "stray"): {"s3:ObjectCreated:*", "x/", "", s.aliasARN(name)}}); err != nil {
		t.Fatal(err)
	}
	plan, err := target.Plan(t.Context(), d)
	if err != nil {
		t.Fatal(err)
	}
	var changed []string
	for _, c := range plan.Changes {
		changed = append(changed, c.Name)
	}
	want := []string{"object." + bucket + ".stray", "object." + bucket + ".uploads", "queue." + queue, "schedule.nightly"}
	if !slices.Equal(changed, want) {
		t.Errorf("the plan has %q, want %q", changed, want)
	}
	deploy(t, target, d, true)
	checkTriggers(t, s, d, queue, bucket)

	// What the manifest drops goes, and what is others' stays.
	deploy(t, target, plain, true)
	checkNoTriggers(t, s, d, bucket)
	deploy(t, target, plain, false)
	deploy(t, target, d, true)
	if _, err := target.Destroy(t.Context(), d.Key); err != nil {
		t.Fatal(err)
	}
	checkNoTriggers(t, s, d, bucket)
}

func deploy(t *testing.T, target *Target, d targets.Deployment, changes bool) {
	t.Helper()
	st, err := target.Deploy(t.Context(), d)
	if err != nil {
		t.Fatal(err)
	}
	if st.Changed != changes {
		t.Errorf("deploy says changed: %t, want %t", st.Changed, changes)
	}
}

func checkTriggers(t *testing.T, s *session, d targets.Deployment, queue, bucket string) {
	t.Helper()
	ctx, name := t.Context(), functionName(d.Key)
	one, err := s.scheduler.GetSchedule(ctx, &scheduler.GetScheduleInput{GroupName: &name, Name: aws.String("nightly")})
	if err != nil {
		t.Fatal(err)
	}
	if aws.ToString(one.ScheduleExpression) != "cron(0 3 ? * MON,TUE,WED,THU,FRI *)" || aws.ToString(one.ScheduleExpressionTimezone) != "Europe/Berlin" ||
		aws.ToString(one.Target.Input) != `{"twofold":{"schedule":"nightly","time":"<aws.scheduler.scheduled-time>"},"path":"/nightly"}` ||
		!strings.HasSuffix(aws.ToString(one.Target.Arn), ":"+name+":live") {
		t.Errorf("schedule %v of %v", aws.ToString(one.ScheduleExpression), one.Target)
	}
	mappings, err := s.observeMappings(ctx, name)
	if m := mappings[s.queueARN(queue)]; err != nil || len(mappings) != 1 || m.batch != 20 || m.window != 1 || !m.partial || !m.enabled {
		t.Errorf("queues: %+v, %v", mappings, err)
	}
	config, err := s.notifications(ctx, bucket)
	if err != nil || len(config.LambdaFunctionConfigurations) != 1 || len(config.QueueConfigurations) != 1 {
		t.Fatalf("notifications: %+v, %v", config, err)
	}
	if id := aws.ToString(config.LambdaFunctionConfigurations[0].Id); id != "twofold/"+name+"/uploads" {
		t.Errorf("the notification is %q", id)
	}
	f, err := s.observeFunction(ctx, name)
	if err != nil {
		t.Fatal(err)
	}
	var told []map[string]string
	if err := json.Unmarshal([]byte(f.config.env["TWOFOLD_TRIGGERS"]), &told); err != nil || len(told) != 3 {
		t.Errorf("the adapter is told %q: %v", f.config.env["TWOFOLD_TRIGGERS"], err)
	}
}

func checkNoTriggers(t *testing.T, s *session, d targets.Deployment, bucket string) {
	t.Helper()
	ctx, name := t.Context(), functionName(d.Key)
	if o, err := s.observeSchedules(ctx, name, ownTags(d.Key)); err != nil || o.group {
		t.Errorf("schedules: %+v, %v", o, err)
	}
	if role, err := s.observeRole(ctx, roleName("schedule-"+name, s.region)); err != nil || role != nil {
		t.Errorf("the role of the schedules: %+v, %v", role, err)
	}
	if m, err := s.observeMappings(ctx, name); err != nil || len(m) > 0 {
		t.Errorf("queues: %+v, %v", m, err)
	}
	config, err := s.notifications(ctx, bucket)
	if err != nil || len(config.LambdaFunctionConfigurations) != 0 || len(config.QueueConfigurations) != 1 {
		t.Errorf("notifications: %+v, %v", config, err)
	}
}

func TestSourcesThatAreNotThereAreNamed(t *testing.T) {
	motoCloud.set(nil, healthyApp)
	target := quick(t, nil)
	s, err := target.open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for n, trigger := range []targets.Trigger{
		{Kind: targets.TriggerQueue, Name: "orders", Source: "no-such-queue", Path: "/orders"},
		{Kind: targets.TriggerObject, Name: "uploads", Source: "no-such-bucket", Path: "/uploads", Created: true},
	} {
		d := deploymentOf(environmentOf(t, n))
		d.Triggers = []targets.Trigger{trigger}
		_, err = target.Deploy(t.Context(), d)
		if err == nil || !strings.Contains(err.Error(), `"`+trigger.Source+`"`) || !strings.Contains(err.Error(), "make it with") {
			t.Errorf("%s: %v", trigger.Source, err)
		}
		if _, err := target.Destroy(context.WithoutCancel(t.Context()), d.Key); err != nil {
			t.Error(err)
		}
	}
	short := environmentOf(t, 3) + "-short"
	if _, err := s.sqs.CreateQueue(t.Context(), &sqs.CreateQueueInput{QueueName: &short, Attributes: map[string]string{"VisibilityTimeout": "5"}}); err != nil {
		t.Fatal(err)
	}
	d := deploymentOf(environmentOf(t, 3))
	d.Triggers = []targets.Trigger{{Kind: targets.TriggerQueue, Name: "orders", Source: short, Path: "/orders"}}
	if _, err := target.Deploy(t.Context(), d); err == nil || !strings.Contains(err.Error(), "delivers a message again after 5s") {
		t.Errorf("a queue that is too quick: %v", err)
	}
	if _, err := target.Destroy(t.Context(), d.Key); err != nil {
		t.Error(err)
	}
}

func TestSecretsAreReferences(t *testing.T) {
	motoCloud.set(nil, healthyApp)
	target := quick(t, nil)
	s, err := target.open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	environment := environmentOf(t, 1)
	d := deploymentOf(environment)
	d.Secrets = []targets.Secret{{Name: "DATABASE_URL", From: environment + "/database"}, {Name: "TOKEN", From: "ssm:/" + environment + "/token"}}
	err = target.Info().Operations.Secrets(t.Context(), d)
	if err == nil || !strings.Contains(err.Error(), "create-secret") || !strings.Contains(err.Error(), "put-parameter") {
		t.Errorf("secrets that are not there: %v", err)
	}
	const value = "a value that nobody may see"
	if _, err := s.secretsManager.CreateSecret(t.Context(), &secretsmanager.CreateSecretInput{Name: aws.String(environment + "/database"), SecretString: aws.String(value)}); err != nil {
		t.Fatal(err)
	}
	d.Secrets = d.Secrets[:1]
	if err := target.Info().Operations.Secrets(t.Context(), d); err != nil {
		t.Error(err)
	}
	deploy(t, target, d, true)
	f, err := s.observeFunction(t.Context(), functionName(d.Key))
	if err != nil {
		t.Fatal(err)
	}
	if got, want := f.config.env["TWOFOLD_SECRETS"], `[{"name":"DATABASE_URL","from":"`+environment+`/database"}]`; got != want {
		t.Errorf("the adapter is told %s, want %s", got, want)
	}
	for name, v := range f.config.env {
		if strings.Contains(v, value) {
			t.Errorf("%s holds the value", name)
		}
	}
	role, err := s.observeRole(t.Context(), roleName(functionName(d.Key), s.region))
	if err != nil || !strings.Contains(role.policy, "secretsmanager:GetSecretValue") || !strings.Contains(role.policy, ":secret:"+environment+"/database-??????") {
		t.Errorf("the role may: %+v, %v", role, err)
	}
	if _, err := target.Destroy(t.Context(), d.Key); err != nil {
		t.Error(err)
	}
}
