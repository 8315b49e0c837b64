package lambda

import (
	"fmt"
	"testing"

	awslambdaapi "github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"github.com/twofoldhq/twofold/release"
	"github.com/twofoldhq/twofold/targets"
)

func instanceText(c functionConfig) string { return fmt.Sprint(c.tmp, c.xray, c.jsonLogs) }

func TestOnlyWhatDiffersOfAnInstanceIsSent(t *testing.T) {
	plain := functionConfig{tmp: tmpLeast}
	full := functionConfig{tmp: 1024, xray: true, jsonLogs: true, layers: []string{"b", "a"}}
	var in awslambdaapi.UpdateFunctionConfigurationInput
	plain.updateInstance(plain, &in)
	full.updateInstance(full, &in)
	if in.EphemeralStorage != nil || in.TracingConfig != nil || in.LoggingConfig != nil || in.Layers != nil {
		t.Errorf("what stays is sent: %+v", in)
	}
	full.updateInstance(plain, &in)
	if *in.EphemeralStorage.Size != 1024 || in.TracingConfig.Mode != types.TracingModeActive || in.LoggingConfig.LogFormat != types.LogFormatJson || fmt.Sprint(in.Layers) != "[b a]" {
		t.Errorf("got %+v", in)
	}
	plain.updateInstance(full, &in)
	if *in.EphemeralStorage.Size != 512 || in.TracingConfig.Mode != types.TracingModePassThrough || in.LoggingConfig.LogFormat != types.LogFormatText || in.Layers == nil || len(in.Layers) > 0 {
		t.Errorf("what is dropped is not cleared: %+v", in)
	}
	var out types.FunctionConfiguration
	layer := "a"
	out.Layers = []types.Layer{{Arn: &layer}}
	var c functionConfig
	if c.instanceOf(&out); instanceText(c) != "512 false false" || c.layers[0] != "a" {
		t.Errorf("of an answer that leaves all out: %+v", c)
	}
}

func TestTelemetryVariables(t *testing.T) {
	got := telemetry(targets.Deployment{
		Key: targets.Key{Project: "shop", Service: "api", Environment: "a=b, c"}, Release: &release.Release{Digest: "sha256:1"},
	})
	want := "service.namespace=shop,service.version=sha256:1,deployment.environment.name=a%3Db%2C%20c,cloud.provider=aws,cloud.platform=aws_lambda,faas.name="
	if a := got["OTEL_RESOURCE_ATTRIBUTES"]; len(a) <= len(want) || a[:len(want)] != want || got["OTEL_SERVICE_NAME"] != "api" {
		t.Errorf("got %q", got)
	}
}

func TestTheRoleReachesAFileSystemOfS3(t *testing.T) {
	const arn = "arn:aws:s3files:eu-west-1:123456789012:file-system/fs-0123456789abcdef0/access-point/fsap-0123456789abcdef0"
	if !accessPattern.MatchString(arn) {
		t.Fatal("the ARN is not taken for one")
	}
	s := &session{region: "eu-west-1", account: "123456789012", partition: "aws"}
	role := s.roleOf(&wanted{name: "f", logGroup: "/aws/lambda/f", config: functionConfig{mount: arn}}, settings{})
	want := document(
		statement{Sid: "Log", Effect: "Allow", Action: []string{"logs:CreateLogStream", "logs:PutLogEvents"}, Resource: []string{"arn:aws:logs:eu-west-1:123456789012:log-group:/aws/lambda/f:*"}},
		statement{Sid: "Volume", Effect: "Allow", Action: []string{"s3files:ClientMount", "s3files:ClientWrite"}, Resource: []string{"arn:aws:s3files:eu-west-1:123456789012:file-system/fs-0123456789abcdef0"}},
	)
	if role.policy != want {
		t.Errorf("got %s, want %s", role.policy, want)
	}
}
