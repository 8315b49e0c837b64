package lambda

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/twofoldhq/twofold/manifest/schema"
	"github.com/twofoldhq/twofold/targets"
)

func policyFor(t *testing.T, values schema.Values, d targets.Deployment) map[string]statement {
	t.Helper()
	s, err := read(values)
	if err != nil {
		t.Fatal(err)
	}
	text, err := newTarget("functions", s, pace{}).policy([]targets.Deployment{d})
	if err != nil {
		t.Fatal(err)
	}
	var policy struct {
		Version   string
		Statement []statement
	}
	if err := json.Unmarshal(text, &policy); err != nil {
		t.Fatal(err)
	}
	if policy.Version != "2012-10-17" {
		t.Errorf("version %q", policy.Version)
	}
	by := map[string]statement{}
	for _, one := range policy.Statement {
		by[one.Sid] = one
		if one.Effect != "Allow" || len(one.Action) == 0 || len(one.Resource) == 0 {
			t.Errorf("statement %+v", one)
		}
		if slices.Contains(one.Resource, "*") && !slices.Contains([]string{"Look", "FindCertificates", "LookAtBalancers", "Network", "Volumes", "Login", "Connect"}, one.Sid) {
			t.Errorf("%s is for every resource: %q", one.Sid, one.Action)
		}
		for _, action := range one.Action {
			if strings.Contains(action, "*") {
				t.Errorf("%s allows %s", one.Sid, action)
			}
		}
	}
	return by
}

func TestPolicyHasWhatTheManifestUsesAndNoMore(t *testing.T) {
	key := targets.Key{Project: "shop", Service: "api", Environment: "prod"}
	region := schema.Values{"region": "eu-west-1"}
	plain := policyFor(t, region, targets.Deployment{Key: key})
	for _, sid := range []string{"Schedules", "PassScheduleRole", "Queues", "Mappings", "Connect", "Buckets", "Secrets", "Parameters", "Apis", "Network", "Volumes"} {
		if one, ok := plain[sid]; ok {
			t.Errorf("a service without anything may %q", one.Action)
		}
	}
	if got := plain["Functions"].Resource; !slices.Equal(got, []string{"arn:aws:lambda:eu-west-1:*:function:shop-api-prod", "arn:aws:lambda:eu-west-1:*:function:shop-api-prod:*"}) {
		t.Errorf("functions %q", got)
	}
	if got := plain["PassRole"].Condition; !strings.Contains(toJSON(got), `"iam:PassedToService":"lambda.amazonaws.com"`) {
		t.Errorf("a role may be passed to %v", got)
	}
	full := policyFor(t, region, targets.Deployment{
		Key:       key,
		Schedules: []targets.Schedule{{Name: "nightly", Cron: "@daily"}},
		Triggers:  []targets.Trigger{{Kind: targets.TriggerQueue, Name: "orders", Source: "shop-orders"}, {Kind: targets.TriggerObject, Name: "uploads", Source: "shop-uploads"}},
		Secrets:   []targets.Secret{{Name: "DATABASE_URL", From: "shop/database#url"}, {Name: "TOKEN", From: "ssm:/shop/token"}},
	})
	for sid, resource := range map[string]string{
		"Schedules": "arn:aws:scheduler:eu-west-1:*:schedule/shop-api-prod/*", "Queues": "arn:aws:sqs:eu-west-1:*:shop-orders", "Buckets": "arn:aws:s3:::shop-uploads",
		"Secrets": "arn:aws:secretsmanager:eu-west-1:*:secret:shop/database-??????", "Parameters": "arn:aws:ssm:eu-west-1:*:parameter/shop/token",
		"PassScheduleRole": "arn:aws:iam::*:role/twofold-schedule-shop-api-prod-eu-west-1",
	} {
		if !slices.Contains(full[sid].Resource, resource) {
			t.Errorf("%s is for %q, want %q", sid, full[sid].Resource, resource)
		}
	}
	if got := toJSON(full["Connect"].Condition); got != `{"ArnLike":{"lambda:FunctionArn":["arn:aws:lambda:eu-west-1:*:function:shop-api-prod","arn:aws:lambda:eu-west-1:*:function:shop-api-prod:*"]}}` {
		t.Errorf("queues may be connected with functions on the condition %s", got)
	}
	own := policyFor(t, schema.Values{"region": "cn-north-1", "role": "arn:aws-cn:iam::123456789012:role/shop"}, targets.Deployment{Key: key})
	if _, makes := own["Roles"]; makes || !slices.Equal(own["PassRole"].Resource, []string{"arn:aws-cn:iam::123456789012:role/shop"}) {
		t.Errorf("with a role that is given: %+v", own)
	}
	if _, ok := policyFor(t, schema.Values{"public": "api"}, targets.Deployment{Key: key})["Apis"]; !ok {
		t.Error("an HTTP API needs no rights")
	}
}

func toJSON(v any) string {
	b, _ := json.Marshal(v)
	return string(b)
}

func TestPolicyOfAFrontIsBoundToIt(t *testing.T) {
	d := targets.Deployment{Key: targets.Key{Project: "shop", Service: "api", Environment: "prod"}, Domain: "api.example.com"}
	const listener = "arn:aws:elasticloadbalancing:eu-west-1:123456789012:listener/app/shop/50dc6c495c0c9188/f2f7dc8efc522ab2"
	api := policyFor(t, schema.Values{"region": "eu-west-1", "public": "api", "hosted_zone": "Z0123456789ABCDEFGHIJ"}, d)
	alb := policyFor(t, schema.Values{"region": "eu-west-1", "public": "alb", "listener": listener}, d)
	for _, test := range []struct {
		sid, resource string
		in            map[string]statement
	}{
		{"DomainNames", "arn:aws:apigateway:eu-west-1::/domainnames/api.example.com", api},
		{"Records", "arn:aws:route53:::hostedzone/Z0123456789ABCDEFGHIJ", api},
		{"TargetGroups", "arn:aws:elasticloadbalancing:eu-west-1:*:targetgroup/shop-api-prod/*", alb},
		{"Listener", listener, alb},
		{"Rules", strings.Replace(listener, ":listener/", ":listener-rule/", 1) + "/*", alb},
	} {
		if !slices.Contains(test.in[test.sid].Resource, test.resource) {
			t.Errorf("%s is for %q, want %q", test.sid, test.in[test.sid].Resource, test.resource)
		}
	}
	if _, ok := alb["Records"]; ok {
		t.Error("without a hosted zone records may be written")
	}
	plain := policyFor(t, schema.Values{"region": "eu-west-1"}, targets.Deployment{Key: d.Key})
	for _, dropped := range []map[string]statement{{"": plain["DroppedApis"]}, {"": api["DroppedDomainNames"]}, {"": api["DroppedCertificates"]}} {
		if got := toJSON(dropped[""].Condition); got != `{"StringEquals":{"aws:ResourceTag/twofold:project":["shop"]}}` {
			t.Errorf("what is dropped may be removed where %s", got)
		}
	}
	for _, sid := range []string{"DroppedSchedules", "DroppedRoles", "DroppedMappings"} {
		if len(plain[sid].Action) == 0 {
			t.Errorf("nothing allows to remove what %s is about", sid)
		}
	}
}

func TestHostsOfServicesInChina(t *testing.T) {
	if got := (&session{region: "eu-west-1", partition: "aws"}).hostsOfService("ssm"); !slices.Equal(got, []string{"ssm.eu-west-1.amazonaws.com"}) {
		t.Errorf("got %q", got)
	}
	if got := (&session{region: "cn-north-1", partition: "aws-cn"}).hostsOfService("ssm"); !slices.Equal(got, []string{"ssm.cn-north-1.amazonaws.com", "ssm.cn-north-1.amazonaws.com.cn"}) {
		t.Errorf("got %q", got)
	}
}
