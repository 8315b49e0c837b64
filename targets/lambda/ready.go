package lambda

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	awslambdaapi "github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
)

// tagReady is on a function from before instances are kept ready until after none are:
// without it nobody looks for them.
const tagReady = "twofold:ready"

// readiness is what Lambda calls provisioned concurrency, of one version.
type readiness struct {
	wanted int32
	status types.ProvisionedConcurrencyStatusEnum
	reason string
}

// observeReady returns the versions that have instances that are kept ready.
func (s *session) observeReady(ctx context.Context, name string) (map[string]readiness, error) {
	found := map[string]readiness{}
	pages := awslambdaapi.NewListProvisionedConcurrencyConfigsPaginator(s.lambda, &awslambdaapi.ListProvisionedConcurrencyConfigsInput{FunctionName: &name})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, problem("list the instances that are kept ready of function", name, err)
		}
		for _, one := range page.ProvisionedConcurrencyConfigs {
			arn := aws.ToString(one.FunctionArn)
			version := arn[strings.LastIndexByte(arn, ':')+1:]
			if _, err := strconv.Atoi(version); err == nil { // an alias that has some is somebody else's work
				found[version] = readiness{aws.ToInt32(one.RequestedProvisionedConcurrentExecutions), one.Status, aws.ToString(one.StatusReason)}
			}
		}
	}
	return found, nil
}

// keepReady makes instances of a version ready before traffic moves to it, beside those
// of the version that serves. It reports whether it changed anything.
//
// What is kept ready of all versions must fit into scale.max, which is higher while two
// versions have instances: attributes sets it again ("Configuring provisioned
// concurrency for a function", developer guide).
func (t *Target) keepReady(ctx context.Context, s *session, o *observed, name, version string, count int32) (bool, error) {
	if count == 0 || o.ready[version].wanted == count && o.ready[version].status == types.ProvisionedConcurrencyStatusEnumReady {
		return false, nil
	}
	if _, err := s.mark(ctx, name, o, tagReady, "yes"); err != nil {
		return true, err
	}
	sum := count
	for other, one := range o.ready {
		if other != version {
			sum += one.wanted
		}
	}
	if o.function != nil && o.function.reserved > 0 && o.function.reserved < sum {
		if _, err := s.lambda.PutFunctionConcurrency(ctx, &awslambdaapi.PutFunctionConcurrencyInput{FunctionName: &name, ReservedConcurrentExecutions: &sum}); err != nil {
			return true, problem(fmt.Sprintf("make room for %d instances that are kept ready for function", sum), name, err)
		}
		o.function.reserved = sum
	}
	if o.ready[version].wanted != count || o.ready[version].status == types.ProvisionedConcurrencyStatusEnumFailed {
		_, err := s.lambda.PutProvisionedConcurrencyConfig(ctx, &awslambdaapi.PutProvisionedConcurrencyConfigInput{
			FunctionName: &name, Qualifier: &version, ProvisionedConcurrentExecutions: &count,
		})
		if err != nil {
			return true, problem(fmt.Sprintf("keep %d instances ready of version %s of function", count, version), name, err)
		}
	}
	what := fmt.Sprintf("version %s of function %q to have %d instances ready", version, name, count)
	return true, t.until(ctx, what, func() (bool, error) {
		all, err := s.observeReady(ctx, name)
		if err != nil {
			return false, err
		}
		one := all[version]
		if one.status == types.ProvisionedConcurrencyStatusEnumFailed {
			return false, fmt.Errorf("AWS could not keep %d instances ready of version %s of function %q: %s: lower scale.min, or ask AWS for more concurrent executions", count, version, name, one.reason)
		}
		o.ready = all
		return one.status == types.ProvisionedConcurrencyStatusEnumReady && one.wanted == count, nil
	})
}

// letGo keeps no instances ready of the versions but that one, which serves. With count
// 0 none are kept at all.
func (s *session) letGo(ctx context.Context, o *observed, name, version string, count int32) (bool, error) {
	changed := false
	for other := range o.ready {
		if other == version && count > 0 {
			continue
		}
		changed = true
		_, err := s.lambda.DeleteProvisionedConcurrencyConfig(ctx, &awslambdaapi.DeleteProvisionedConcurrencyConfigInput{FunctionName: &name, Qualifier: &other})
		if err != nil && !missing(err) {
			return true, problem("keep no more instances ready of version "+other+" of function", name, err)
		}
		delete(o.ready, other)
	}
	if count > 0 {
		return changed, nil
	}
	unmarked, err := s.unmark(ctx, name, o, tagReady)
	return changed || unmarked, err
}
