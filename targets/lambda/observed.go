package lambda

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	awslambdaapi "github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"github.com/twofoldhq/twofold/targets"
)

// observed is a deployment as AWS has it. A nil part does not exist.
type observed struct {
	function *observedFunction
	// live is the version that the alias points to.
	live  *observedFunction
	alias *awslambdaapi.GetAliasOutput
	url   string
	// signed is a URL that only lets in who AWS knows, and streams one that hands
	// over an answer while it is made.
	signed, streams bool
	grants          map[string]bool // the statements of the alias' policy, by their ids
	// sources are what those statements let in, where they name one.
	sources map[string]string
	api     *observedAPI
	// marks are the function's tags that say what there is beside a function URL.
	marks map[string]string
	// ready are the versions that have instances that are kept ready.
	ready    map[string]readiness
	domain   *observedDomain
	balancer *observedBalancer
	// public is the attribute of a plan.
	public   string
	role     *observedRole
	logGroup *observedGroup

	schedules observedSchedules
	scheduler *observedRole
	mappings  map[string]mapping
	notices   map[string]map[string]notice
}

// observedFunction is the function as it was changed last, or one version.
type observedFunction struct {
	version, revision string
	// codeSum is compared with that of wanted; stated is what Lambda calls it.
	codeSum, stated string
	config          functionConfig
	state           types.State
	update          types.LastUpdateStatus
	reason          string
	modified        time.Time
	// Of the function, not of a version:
	tags     map[string]string
	reserved int32
	arn      string
}

type observedGroup struct{ retention int32 }

// observe looks at a deployment.
func (s *session) observe(ctx context.Context, k targets.Key) (*observed, error) {
	o := &observed{}
	var err error
	name := functionName(k)
	if o.function, err = s.observeFunction(ctx, name); err != nil || o.function == nil {
		return o, err
	}
	if !covers(o.function.tags, ownTags(k)) {
		return nil, foreign(name, o.function.tags)
	}
	o.alias, err = s.lambda.GetAlias(ctx, &awslambdaapi.GetAliasInput{FunctionName: &name, Name: aws.String(aliasName)})
	if missing(err) {
		o.alias = nil
		return o, s.observePublic(ctx, o, k)
	}
	if err != nil {
		return nil, problem("read the alias of function", name, err)
	}
	if o.live, err = s.observeVersion(ctx, name, aws.ToString(o.alias.FunctionVersion)); err != nil {
		return nil, err
	}
	url, err := s.lambda.GetFunctionUrlConfig(ctx, &awslambdaapi.GetFunctionUrlConfigInput{FunctionName: &name, Qualifier: aws.String(aliasName)})
	if err != nil && !missing(err) {
		return nil, problem("read the URL of function", name, err)
	}
	if err == nil {
		o.url = aws.ToString(url.FunctionUrl)
		o.signed, o.streams = url.AuthType == types.FunctionUrlAuthTypeAwsIam, url.InvokeMode == types.InvokeModeResponseStream
	}
	if o.grants, o.sources, err = s.observeGrants(ctx, name); err != nil {
		return nil, err
	}
	return o, s.observePublic(ctx, o, k)
}

func foreign(name string, tags map[string]string) error {
	if k, ok := keyOf(tags); ok {
		return fmt.Errorf("the function %q is that of project %q, service %q, environment %q: rename one of the two", name, k.Project, k.Service, k.Environment)
	}
	return fmt.Errorf("there is a function %q that twofold has not made: rename the service, or delete the function", name)
}

// observeRest looks at what a deployment has beside its function.
func (s *session) observeRest(ctx context.Context, o *observed, w *wanted) error {
	var err error
	if w.role != nil {
		if o.role, err = s.observeRole(ctx, w.role.name); err != nil {
			return err
		}
		if o.role != nil && !covers(o.role.tags, w.tags) {
			return fmt.Errorf("there is a role %q that is not this deployment's: delete it, or write role in the target block", w.role.name)
		}
	}
	if o.logGroup, err = s.observeGroup(ctx, w.logGroup); err != nil {
		return err
	}
	if err = s.observeWantedPublic(ctx, o, w); err != nil {
		return err
	}
	return s.observeTriggers(ctx, o, w.key, w.notices)
}

// observeTriggers looks at what invokes a function beside its requests: in the buckets
// of notices, and in those that the function knows.
func (s *session) observeTriggers(ctx context.Context, o *observed, k targets.Key, notices map[string]map[string]notice) error {
	var err error
	name, tags := functionName(k), ownTags(k)
	if o.schedules, err = s.observeSchedules(ctx, name, tags); err != nil {
		return err
	}
	role := roleName("schedule-"+name, s.region)
	if o.scheduler, err = s.observeRole(ctx, role); err != nil {
		return err
	}
	if o.scheduler != nil && !covers(o.scheduler.tags, tags) {
		return fmt.Errorf("there is a role %q that is not this deployment's: delete it", role)
	}
	if o.alias == nil {
		return nil // queues and buckets are connected to the alias
	}
	if o.mappings, err = s.observeMappings(ctx, name); err != nil {
		return err
	}
	o.notices, err = s.observeNotices(ctx, name, bucketsOf(notices, o.grants))
	return err
}

// observeFunction returns nil for a function that does not exist.
func (s *session) observeFunction(ctx context.Context, name string) (*observedFunction, error) {
	return s.read(ctx, &awslambdaapi.GetFunctionInput{FunctionName: &name})
}

// observeVersion reads a version, which exists.
func (s *session) observeVersion(ctx context.Context, name, version string) (*observedFunction, error) {
	f, err := s.read(ctx, &awslambdaapi.GetFunctionInput{FunctionName: &name, Qualifier: &version})
	if err == nil && f == nil {
		err = fmt.Errorf("read version %s of function %q: it does not exist: %w", version, name, errMoved)
	}
	return f, err
}

func (s *session) read(ctx context.Context, in *awslambdaapi.GetFunctionInput) (*observedFunction, error) {
	out, err := s.lambda.GetFunction(ctx, in)
	if missing(err) {
		return nil, nil
	}
	if err != nil {
		return nil, problem("read function", aws.ToString(in.FunctionName), err)
	}
	f := observedOf(out.Configuration)
	if f.config.image && out.Code != nil {
		if f.codeSum = imageOf(aws.ToString(out.Code.ImageUri)); f.codeSum == "" {
			f.codeSum = imageOf(aws.ToString(out.Code.ResolvedImageUri))
		}
	}
	f.tags = out.Tags
	if in.Qualifier != nil {
		f.version = *in.Qualifier
	}
	if out.Concurrency != nil {
		f.reserved = aws.ToInt32(out.Concurrency.ReservedConcurrentExecutions)
	}
	return f, nil
}

func observedOf(c *types.FunctionConfiguration) *observedFunction {
	f := &observedFunction{
		version: aws.ToString(c.Version), codeSum: aws.ToString(c.CodeSha256), stated: aws.ToString(c.CodeSha256), revision: aws.ToString(c.RevisionId), arn: aws.ToString(c.FunctionArn),
		state: c.State, update: c.LastUpdateStatus, reason: aws.ToString(c.StateReason) + aws.ToString(c.LastUpdateStatusReason), modified: parseTime(c.LastModified),
		config: functionConfig{
			image: c.PackageType == types.PackageTypeImage, runtime: string(c.Runtime), architecture: string(types.ArchitectureX8664), handler: aws.ToString(c.Handler), role: aws.ToString(c.Role),
			description: aws.ToString(c.Description), memory: aws.ToInt32(c.MemorySize), timeout: aws.ToInt32(c.Timeout),
		},
	}
	f.config.instanceOf(c)
	if len(c.Architectures) > 0 {
		f.config.architecture = string(c.Architectures[0])
	}
	if c.Environment != nil {
		f.config.env = c.Environment.Variables
	}
	if c.VpcConfig != nil {
		f.config.subnets, f.config.groups = c.VpcConfig.SubnetIds, c.VpcConfig.SecurityGroupIds
	}
	if len(c.FileSystemConfigs) > 0 {
		f.config.mount, f.config.path = aws.ToString(c.FileSystemConfigs[0].Arn), aws.ToString(c.FileSystemConfigs[0].LocalMountPath)
	}
	return f
}

// parseTime reads Lambda's form of a time, and is zero for another.
func parseTime(text *string) time.Time {
	for _, layout := range []string{"2006-01-02T15:04:05.999-0700", time.RFC3339} {
		if at, err := time.Parse(layout, aws.ToString(text)); err == nil {
			return at.UTC()
		}
	}
	return time.Time{}
}

func (s *session) observeGrants(ctx context.Context, name string) (map[string]bool, map[string]string, error) {
	out, err := s.lambda.GetPolicy(ctx, &awslambdaapi.GetPolicyInput{FunctionName: &name, Qualifier: aws.String(aliasName)})
	if missing(err) {
		return nil, nil, nil
	}
	if err != nil {
		return nil, nil, problem("read the policy of function", name, err)
	}
	var policy struct {
		Statement []struct {
			Sid       string
			Condition map[string]map[string]any
		}
	}
	if err := json.Unmarshal([]byte(aws.ToString(out.Policy)), &policy); err != nil {
		return nil, nil, fmt.Errorf("read the policy of function %q: %w", name, err)
	}
	grants, sources := map[string]bool{}, map[string]string{}
	for _, one := range policy.Statement {
		grants[one.Sid] = true
		for _, operator := range one.Condition {
			for key, value := range operator {
				if source, ok := value.(string); ok && strings.EqualFold(key, "aws:SourceArn") {
					sources[one.Sid] = source
				}
			}
		}
	}
	return grants, sources, nil
}

func (s *session) observeGroup(ctx context.Context, name string) (*observedGroup, error) {
	pages := cloudwatchlogs.NewDescribeLogGroupsPaginator(s.logs, &cloudwatchlogs.DescribeLogGroupsInput{LogGroupNamePrefix: &name})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, problem("read log group", name, err)
		}
		for _, g := range page.LogGroups {
			if aws.ToString(g.LogGroupName) == name {
				return &observedGroup{aws.ToInt32(g.RetentionInDays)}, nil
			}
		}
	}
	return nil, nil
}
