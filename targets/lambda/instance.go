package lambda

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"

	awslambdaapi "github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"github.com/twofoldhq/twofold/manifest/schema"
	"github.com/twofoldhq/twofold/targets"
)

// Limits of /tmp, in MB, and of layers. Source: awslambda.Quotas.
const (
	tmpLeast   = 512
	tmpMost    = 10240
	layersMost = 5
)

// Values of the attribute tracing.
const (
	tracingXRay      = "xray"
	tracingTelemetry = "opentelemetry"
)

var (
	sizePattern  = regexp.MustCompile(`^([1-9][0-9]{0,5})(Mi|Gi)$`)
	layerPattern = regexp.MustCompile(`^arn:aws[a-zA-Z-]*:lambda:[a-z0-9-]+:[0-9]{12}:layer:[a-zA-Z0-9_-]+:[0-9]+$`)
)

// instance is what a target block says of the instances of a function, beside what
// the service itself says.
type instance struct {
	// tmp is the size of /tmp in MB.
	tmp      int32
	layers   []string
	jsonLogs bool
	// tracing is one of the constants above, or "".
	tracing string
}

// readInstance returns a *schema.Error for what Lambda does not take.
func readInstance(s *settings, v schema.Values) error {
	s.tmp = tmpLeast
	if v.Has("tmp") {
		size, ok := megabytes(v.String("tmp"))
		if !ok || size < tmpLeast || size > tmpMost {
			return wrong("tmp", fmt.Sprintf("%q is no size that /tmp can have", v.String("tmp")), "Write a size from \"512Mi\" to \"10Gi\".")
		}
		s.tmp = int32(size)
	}
	s.layers = v.Strings("layers")
	if len(s.layers) > layersMost {
		return wrong("layers", fmt.Sprintf("%d layers are more than %d", len(s.layers), layersMost), "Put what they hold into fewer layers, or into the app tree.")
	}
	for _, arn := range s.layers {
		if !layerPattern.MatchString(arn) {
			return wrong("layers", fmt.Sprintf("%q is not the ARN of a version of a layer", arn), "Write it in full, such as \"arn:aws:lambda:eu-west-1:123456789012:layer:fonts:3\"; aws lambda list-layer-versions prints them.")
		}
	}
	if len(s.layers) > 0 && v.String("form") == "image" {
		return wrong("layers", "images take no layers of Lambda", "Remove layers, or form = \"image\".")
	}
	s.jsonLogs, s.tracing = v.String("log_format") == "json", v.String("tracing")
	return nil
}

func megabytes(text string) (int, bool) {
	m := sizePattern.FindStringSubmatch(text)
	if m == nil {
		return 0, false
	}
	n, err := strconv.Atoi(m[1])
	if m[2] == "Gi" {
		n *= 1024
	}
	return n, err == nil
}

// isS3Files tells an access point of S3 Files from one of EFS.
func isS3Files(arn string) bool { return strings.Contains(arn, ":s3files:") }

// telemetry are the variables with which OpenTelemetry's SDKs name what they record
// ("Environment Variable Specification" and "Resource Semantic Conventions" of
// OpenTelemetry), and the one that makes the adapter give each request a traceparent.
func telemetry(d targets.Deployment) map[string]string {
	attributes := []string{
		"service.namespace=" + escaped(d.Project), "service.version=" + escaped(d.Release.Digest),
		"deployment.environment.name=" + escaped(d.Environment),
		"cloud.provider=aws", "cloud.platform=aws_lambda", "faas.name=" + escaped(functionName(d.Key)),
	}
	return map[string]string{
		"OTEL_SERVICE_NAME": d.Service, "OTEL_RESOURCE_ATTRIBUTES": strings.Join(attributes, ","), "TWOFOLD_TRACEPARENT": "1",
	}
}

// escaped is a value as OTEL_RESOURCE_ATTRIBUTES takes it.
func escaped(value string) string {
	return strings.NewReplacer("%", "%25", ",", "%2C", "=", "%3D", ";", "%3B", " ", "%20").Replace(value)
}

// instanceAttributes are those that a plan names where they are not the default.
func (c functionConfig) instanceAttributes(a map[string]string) {
	if c.tmp > tmpLeast {
		a["tmp"] = fmt.Sprintf("%d MB", c.tmp)
	}
	if c.xray {
		a["tracing"] = tracingXRay
	}
	if c.jsonLogs {
		a["log_format"] = "json"
	}
	if len(c.layers) > 0 {
		a["layers"] = strings.Join(c.layers, ", ") // their order counts
	}
}

// instanceOf reads what Lambda says of it.
func (c *functionConfig) instanceOf(o *types.FunctionConfiguration) {
	c.tmp = tmpLeast
	if o.EphemeralStorage != nil && o.EphemeralStorage.Size != nil {
		c.tmp = *o.EphemeralStorage.Size
	}
	c.xray = o.TracingConfig != nil && o.TracingConfig.Mode == types.TracingModeActive
	c.jsonLogs = o.LoggingConfig != nil && o.LoggingConfig.LogFormat == types.LogFormatJson
	for _, layer := range o.Layers {
		if layer.Arn != nil {
			c.layers = append(c.layers, *layer.Arn)
		}
	}
}

// createInstance adds what is not the default to a call.
func (c functionConfig) createInstance(in *awslambdaapi.CreateFunctionInput) {
	var update awslambdaapi.UpdateFunctionConfigurationInput
	c.updateInstance(functionConfig{tmp: tmpLeast}, &update)
	in.EphemeralStorage, in.TracingConfig, in.LoggingConfig, in.Layers = update.EphemeralStorage, update.TracingConfig, update.LoggingConfig, update.Layers
}

// updateInstance adds what differs from before to a call.
func (c functionConfig) updateInstance(before functionConfig, in *awslambdaapi.UpdateFunctionConfigurationInput) {
	if c.tmp != before.tmp {
		in.EphemeralStorage = &types.EphemeralStorage{Size: &c.tmp}
	}
	if c.xray != before.xray {
		in.TracingConfig = &types.TracingConfig{Mode: types.TracingModePassThrough}
		if c.xray {
			in.TracingConfig.Mode = types.TracingModeActive
		}
	}
	if c.jsonLogs != before.jsonLogs {
		in.LoggingConfig = &types.LoggingConfig{LogFormat: types.LogFormatText}
		if c.jsonLogs {
			in.LoggingConfig.LogFormat = types.LogFormatJson
		}
	}
	if strings.Join(c.layers, ",") != strings.Join(before.layers, ",") {
		in.Layers = append([]string{}, c.layers...)
	}
}

// instanceRights are what the role needs for it. Source: "Visualize Lambda function
// invocations using AWS X-Ray".
func (c functionConfig) instanceRights() []statement {
	if !c.xray {
		return nil
	}
	return []statement{{Sid: "Trace", Effect: "Allow", Action: []string{"xray:PutTraceSegments", "xray:PutTelemetryRecords"}, Resource: []string{"*"}}}
}
