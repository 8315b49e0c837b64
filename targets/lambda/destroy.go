package lambda

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	awslambdaapi "github.com/aws/aws-sdk-go-v2/service/lambda"

	"github.com/twofoldhq/twofold/targets"
)

// Destroy implements targets.Target. It removes the function with all its versions,
// its log, the role if twofold made it, and everything else that the deployment made; and
// looks by its tags whether anything is left.
func (t *Target) Destroy(ctx context.Context, k targets.Key) (bool, error) {
	s, err := t.open(ctx)
	if err != nil {
		return false, fmt.Errorf("%s: destroy %q: %w", t.address(), k.Service, err)
	}
	existed, err := t.swept(ctx, s, k)
	if err != nil {
		err = conceal(ctx, nil, fmt.Errorf("%s: destroy %q: %w", t.address(), k.Service, err))
	}
	return existed, err
}

// remove takes away what takes traffic first, and what says whose the rest is last.
func (t *Target) remove(ctx context.Context, s *session, k targets.Key) (existed bool, err error) {
	name := functionName(k)
	o, err := s.observe(ctx, k)
	if err != nil {
		return false, err
	}
	if existed, err = t.hosting(s, k, nil).removePublic(ctx, name, o); err != nil {
		return true, err
	}
	if err := s.observeTriggers(ctx, o, k, nil); err != nil {
		return existed, err
	}
	had, err := s.removeTriggers(ctx, o, k)
	if existed = existed || had; err != nil {
		return existed, err
	}
	if o.function != nil {
		existed = true
		if _, err := s.lambda.DeleteFunction(ctx, &awslambdaapi.DeleteFunctionInput{FunctionName: &name}); err != nil && !missing(err) {
			return true, problem("delete function", name, err)
		}
	}
	group := "/aws/lambda/" + name
	switch _, err := s.logs.DeleteLogGroup(ctx, &cloudwatchlogs.DeleteLogGroupInput{LogGroupName: &group}); {
	case err == nil:
		existed = true
	case !missing(err):
		return existed, problem("delete log group", group, err)
	}
	if had, err = s.removeRole(ctx, roleName(name, s.region), ownTags(k)); err != nil {
		return existed || had, err
	}
	images, err := s.removeRepository(ctx, k)
	return existed || had || images, err
}
