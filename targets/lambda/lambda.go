// Package lambda is the target AWS Lambda: what it takes, whether a service fits it,
// and how it is deployed.
package lambda

import (
	"github.com/twofoldhq/twofold/build"
	"github.com/twofoldhq/twofold/manifest/schema"
	"github.com/twofoldhq/twofold/release"
	"github.com/twofoldhq/twofold/targets"
	"github.com/twofoldhq/twofold/targets/fit/awslambda"
)

const name = "lambda"

// The pages that state the limits which are not awslambda's.
const (
	reservedPage = "Configuring reserved concurrency for a function, https://docs.aws.amazon.com/lambda/latest/dg/configuration-concurrency.html"
	functionPage = "CreateFunction, https://docs.aws.amazon.com/lambda/latest/api/API_CreateFunction.html"
	filesPage    = "FileSystemConfig, https://docs.aws.amazon.com/lambda/latest/api/API_FileSystemConfig.html"
	efsPage      = "Configuring file system access for Lambda functions, https://docs.aws.amazon.com/lambda/latest/dg/configuration-filesystem.html"
	growthPage   = "What is Amazon Elastic File System?, https://docs.aws.amazon.com/efs/latest/ug/whatisefs.html"
	schedulePage = "Schedule types in EventBridge Scheduler, https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html"
	mappingPage  = "Lambda parameters for Amazon SQS event source mappings, https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-parameters.html"
	queuePage    = "Amazon SQS standard queues quotas, https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-queues.html"
	bucketPage   = "General purpose bucket naming rules, https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html"
	filterPage   = "Configuring event notifications using object key name filtering, https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-how-to-filtering.html"
	secretsPage  = "CreateSecret, https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_CreateSecret.html"
	apiPage      = "Quotas for configuring and running an HTTP API, https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-quotas.html"

	accountWide = "An account has 1000 concurrent executions a region by default, and keeps 100 of them for functions that reserve none. AWS raises the quota on request."
)

const mebibyte = 1 << 20

// Plugin returns the plugin.
func Plugin() targets.Plugin {
	return targets.Plugin{Settings: settingsBlock(), Describe: describe, Open: open}
}

func describe(target string, values schema.Values) (targets.Info, error) {
	s, err := read(values)
	if err != nil {
		return targets.Info{}, err
	}
	return newTarget(target, s, pace{}).info, nil
}

func open(target string, values schema.Values) (targets.Target, error) {
	s, err := read(values)
	if err != nil {
		return nil, err
	}
	return newTarget(target, s, pace{}), nil
}

func limits() targets.Limits {
	l := awslambda.Limits()
	l.Start.Note += " Instances that scale.min keeps ready have 130s, or the timeout where that is longer."
	l.ScaleMin = targets.Limit{Max: 900, Soft: true, Note: accountWide, Source: reservedPage}
	l.ScaleMax = targets.Limit{Max: 900, Soft: true, Note: accountWide, Source: reservedPage}
	l.Volumes = targets.Limit{Max: 1, Note: "A function mounts one file system; use folders of it.", Source: functionPage}
	l.Zip = targets.Limit{Max: 50 * mebibyte, Soft: true, Note: "A larger one goes through an S3 bucket, which takes longer: see bucket of the target block.", Source: awslambda.Quotas}
	l.Unpacked = targets.Limit{Max: 250 * mebibyte, Source: awslambda.Quotas}
	l.Image = targets.Limit{Max: 10 << 30, Source: awslambda.Quotas}
	l.Name = targets.Limit{Max: 64, Source: functionPage}
	return l
}

// settings are the attributes of a target block, read.
type settings struct {
	forms     []release.Kind
	platforms []build.Platform
	public    string
	stream    bool
	// bucket is what large bundles go through, or "" for one of twofold's.
	bucket  string
	subnets []string
	groups  []string
	volumes map[string]string
	// Empty ones are those of the AWS configuration, and a role that is made.
	region, profile, role string
	// listener and certificate are ARNs, zone the id of a hosted zone, or "".
	listener, certificate, zone string
	// refresh is how often the values of secrets are read again, as a Go duration;
	// "" is the adapter's default.
	refresh string
	// retention is in days; 0 is for ever.
	retention int32
	instance
	// keep is how many versions stay beside the one that serves.
	keep int
}

func (s settings) check(w targets.Workload) []targets.Finding {
	found := awslambda.CheckEnv(w)
	found = append(found, checkCPU(w)...)
	found = append(found, checkSchedules(w)...)
	found = append(found, checkQueues(w)...)
	found = append(found, checkObjects(w)...)
	found = append(found, checkSecrets(w)...)
	found = append(found, s.checkVolumes(w)...)
	found = append(found, s.checkDomain(w)...)
	return append(found, s.checkGateway(w)...)
}
