package lambda

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/acm"
	"github.com/aws/aws-sdk-go-v2/service/apigatewayv2"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	awslambdaapi "github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/resourcegroupstaggingapi"
	"github.com/aws/aws-sdk-go-v2/service/route53"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/scheduler"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go/logging"
)

// answerTimeout bounds the wait for the first byte of AWS's answer to one try of a
// call. Invocations have the function's own timeout instead.
const answerTimeout = time.Minute

// session is the account and the clients that an operation works with.
type session struct {
	lambda *awslambdaapi.Client
	// invoker waits for as long as a function may take, and tries once.
	invoker *awslambdaapi.Client
	logs    *cloudwatchlogs.Client
	iam     *iam.Client

	scheduler *scheduler.Client
	sqs       *sqs.Client
	s3        *s3.Client
	gateway   *apigatewayv2.Client

	acm       *acm.Client
	dns       *route53.Client
	balancers *elasticloadbalancingv2.Client
	tagging   *resourcegroupstaggingapi.Client
	ecr       *ecr.Client

	secretsManager *secretsmanager.Client
	ssm            *ssm.Client
	metrics        *cloudwatch.Client

	region, account, partition string
}

// sessions makes the session when it is first needed. One that failed is tried again.
type sessions struct {
	mu   sync.Mutex
	made *session
}

// open returns the session: endpoint, region and credentials come from the usual AWS
// environment and files, unless the target block says otherwise.
func (t *Target) open(ctx context.Context) (*session, error) {
	t.session.mu.Lock()
	defer t.session.mu.Unlock()
	if t.session.made != nil {
		return t.session.made, nil
	}
	s, err := t.connect(ctx)
	if err != nil {
		return nil, err
	}
	t.session.made = s
	return s, nil
}

func (t *Target) connect(ctx context.Context) (*session, error) {
	options := []func(*config.LoadOptions) error{
		config.WithRetryer(func() aws.Retryer {
			return retry.NewAdaptiveMode(func(o *retry.AdaptiveModeOptions) {
				o.StandardOptions = append(o.StandardOptions, func(o *retry.StandardOptions) {
					o.MaxAttempts, o.MaxBackoff = t.pace.tries, t.pace.backoff
				})
			})
		}),
		config.WithHTTPClient(awshttp.NewBuildableClient().WithTransportOptions(func(r *http.Transport) {
			r.ResponseHeaderTimeout = answerTimeout
		})),
		config.WithAppID("twofold"),
		// What the SDK would log is in the errors that it returns.
		config.WithLogger(logging.Nop{}),
	}
	if t.settings.region != "" {
		options = append(options, config.WithRegion(t.settings.region))
	}
	if t.settings.profile != "" {
		options = append(options, config.WithSharedConfigProfile(t.settings.profile))
	}
	cfg, err := config.LoadDefaultConfig(ctx, options...)
	if err != nil {
		return nil, fmt.Errorf("read the AWS configuration: %w", err)
	}
	if cfg.Region == "" {
		return nil, fmt.Errorf("no region is known: write region in the target block, or set AWS_REGION")
	}
	if _, err := cfg.Credentials.Retrieve(ctx); err != nil && ctx.Err() == nil {
		return nil, fmt.Errorf("no AWS credentials were found: set AWS_PROFILE, or profile in the target block, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY; a profile of IAM Identity Center may need \"aws sso login\": %w", err)
	}
	me, err := sts.NewFromConfig(cfg).GetCallerIdentity(ctx, nil)
	if err != nil {
		return nil, problem("find out whose credentials these are", "", err)
	}
	s := &session{
		lambda: awslambdaapi.NewFromConfig(cfg), logs: cloudwatchlogs.NewFromConfig(cfg), iam: iam.NewFromConfig(cfg), metrics: cloudwatch.NewFromConfig(cfg),
		region: cfg.Region, account: aws.ToString(me.Account), partition: "aws",
	}
	s.scheduler, s.sqs = scheduler.NewFromConfig(cfg), sqs.NewFromConfig(cfg)
	s.secretsManager, s.ssm = secretsmanager.NewFromConfig(cfg), ssm.NewFromConfig(cfg)
	s.s3 = s3.NewFromConfig(cfg, func(o *s3.Options) {
		// A bucket's name is a part of the host's on AWS, and of the path elsewhere.
		o.UsePathStyle = o.BaseEndpoint != nil || cfg.BaseEndpoint != nil
	})
	s.gateway = apigatewayv2.NewFromConfig(cfg)
	s.acm, s.dns = acm.NewFromConfig(cfg), route53.NewFromConfig(cfg)
	s.ecr = ecr.NewFromConfig(cfg)
	s.balancers, s.tagging = elasticloadbalancingv2.NewFromConfig(cfg), resourcegroupstaggingapi.NewFromConfig(cfg)
	s.invoker = awslambdaapi.NewFromConfig(cfg, func(o *awslambdaapi.Options) {
		o.HTTPClient, o.RetryMaxAttempts = awshttp.NewBuildableClient(), 1
	})
	if parts := strings.Split(aws.ToString(me.Arn), ":"); len(parts) > 1 && parts[1] != "" {
		s.partition = parts[1]
	}
	return s, nil
}
