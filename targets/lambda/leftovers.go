package lambda

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/acm"
	"github.com/aws/aws-sdk-go-v2/service/apigatewayv2"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	elb "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
	awslambdaapi "github.com/aws/aws-sdk-go-v2/service/lambda"
	tagging "github.com/aws/aws-sdk-go-v2/service/resourcegroupstaggingapi"
	taggingtypes "github.com/aws/aws-sdk-go-v2/service/resourcegroupstaggingapi/types"
	"github.com/aws/aws-sdk-go-v2/service/scheduler"

	"github.com/twofoldhq/twofold/targets"
)

// leftover is something that has a deployment's tags, as AWS' index of tags has it.
type leftover struct {
	arn, service, rest string
}

// sweep proves that nothing of a deployment is left: everything in the region that has
// its tags is gone, as its own service says, since the index of tags is late; what twofold
// knows how to remove is removed; and what it does not know is named in the error. It
// reports whether it removed anything.
func (h *hosting) sweep(ctx context.Context) (bool, error) {
	found, err := h.session.tagged(ctx, h.tags)
	if err != nil {
		return false, fmt.Errorf("what twofold knows of is removed, and whether anything else is left cannot be said: %w", err)
	}
	removed := false
	var stays []string
	for _, one := range found {
		there, known, err := h.session.isThere(ctx, one)
		if err != nil {
			return removed, err
		}
		if !there {
			continue
		}
		if known {
			removed = true
			if known, err = h.clear(ctx, one); err != nil {
				return true, err
			}
		}
		if !known {
			stays = append(stays, one.arn)
		}
	}
	if len(stays) > 0 {
		return removed, fmt.Errorf("these have the tags of the deployment, and are nothing that twofold makes: remove them, or their tag %s, and destroy again: %s", tagService, strings.Join(stays, ", "))
	}
	return removed, nil
}

// tagged is everything in the region that has the tags.
func (s *session) tagged(ctx context.Context, tags map[string]string) ([]leftover, error) {
	in := &tagging.GetResourcesInput{}
	for _, name := range sorted(tags) {
		in.TagFilters = append(in.TagFilters, taggingtypes.TagFilter{Key: aws.String(name), Values: []string{tags[name]}})
	}
	var found []leftover
	for pages := tagging.NewGetResourcesPaginator(s.tagging, in); pages.HasMorePages(); {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, problem("look for what has the tags of the deployment", "", err)
		}
		for _, one := range page.ResourceTagMappingList {
			arn := aws.ToString(one.ResourceARN)
			if parts := strings.SplitN(arn, ":", 6); len(parts) == 6 {
				found = append(found, leftover{arn, parts[2], parts[5]})
			}
		}
	}
	// What uses something is removed before that.
	slices.SortStableFunc(found, func(a, b leftover) int {
		return strings.Index(sweepOrder, a.kind()) - strings.Index(sweepOrder, b.kind())
	})
	return found, nil
}

const sweepOrder = "domainnames listener-rule targetgroup certificate apis event-source-mapping schedule-group function log-group"

// kind is the word of an ARN that says what it is of.
func (l leftover) kind() string {
	kind, _, _ := strings.Cut(strings.TrimPrefix(l.rest, "/"), "/")
	kind, _, _ = strings.Cut(kind, ":")
	return kind
}

// id is what the service knows it by.
func (l leftover) id() string { return lastPart(l.rest) }

// isThere asks the service itself. Known is false for what twofold makes none of.
func (s *session) isThere(ctx context.Context, l leftover) (there, known bool, err error) {
	id := l.id()
	switch l.service + " " + l.kind() {
	case "lambda function":
		_, err = s.lambda.GetFunction(ctx, &awslambdaapi.GetFunctionInput{FunctionName: aws.String(strings.Split(strings.TrimPrefix(l.rest, "function:"), ":")[0])})
	case "lambda event-source-mapping":
		out, gone := s.lambda.GetEventSourceMapping(ctx, &awslambdaapi.GetEventSourceMappingInput{UUID: &id})
		if err = gone; err == nil && aws.ToString(out.State) == "Deleting" {
			return false, true, nil
		}
	case "logs log-group":
		group, err := s.observeGroup(ctx, l.group())
		return group != nil, true, err
	case "scheduler schedule-group":
		out, gone := s.scheduler.GetScheduleGroup(ctx, &scheduler.GetScheduleGroupInput{Name: &id})
		if err = gone; err == nil && out.State == "DELETING" {
			return false, true, nil
		}
	case "apigateway apis":
		// A stage's ARN goes on behind that of its API.
		api := strings.Split(strings.TrimPrefix(l.rest, "/apis/"), "/")[0]
		_, err = s.gateway.GetApi(ctx, &apigatewayv2.GetApiInput{ApiId: &api})
	case "apigateway domainnames":
		_, err = s.gateway.GetDomainName(ctx, &apigatewayv2.GetDomainNameInput{DomainName: &id})
	case "elasticloadbalancing targetgroup":
		_, err = s.balancers.DescribeTargetGroups(ctx, &elb.DescribeTargetGroupsInput{TargetGroupArns: []string{l.arn}})
	case "elasticloadbalancing listener-rule":
		_, err = s.balancers.DescribeRules(ctx, &elb.DescribeRulesInput{RuleArns: []string{l.arn}})
	case "acm certificate":
		_, err = s.acm.DescribeCertificate(ctx, &acm.DescribeCertificateInput{CertificateArn: &l.arn})
	case "ecr repository":
		r, err := s.observeRepository(ctx, strings.TrimPrefix(l.rest, "repository/"))
		return r != nil, true, err
	case "iam role":
		role, err := s.observeRole(ctx, id)
		return role != nil, true, err
	default:
		return true, false, nil
	}
	if gone(err) {
		return false, true, nil
	}
	if err != nil {
		return false, true, problem("look whether it is still there:", l.arn, err)
	}
	return true, true, nil
}

// group is the name of a log group.
func (l leftover) group() string {
	return strings.TrimSuffix(strings.TrimPrefix(l.rest, "log-group:"), ":*")
}

// clear removes what a deployment has left. It reports false for what belongs to
// something else that stays.
func (h *hosting) clear(ctx context.Context, l leftover) (bool, error) {
	s, id := h.session, l.id()
	var err error
	switch l.service + " " + l.kind() {
	case "lambda function":
		name := strings.Split(strings.TrimPrefix(l.rest, "function:"), ":")[0]
		_, err = s.lambda.DeleteFunction(ctx, &awslambdaapi.DeleteFunctionInput{FunctionName: &name})
	case "lambda event-source-mapping":
		_, err = s.lambda.DeleteEventSourceMapping(ctx, &awslambdaapi.DeleteEventSourceMappingInput{UUID: &id})
	case "logs log-group":
		group := l.group()
		_, err = s.logs.DeleteLogGroup(ctx, &cloudwatchlogs.DeleteLogGroupInput{LogGroupName: &group})
	case "scheduler schedule-group":
		_, err = s.scheduler.DeleteScheduleGroup(ctx, &scheduler.DeleteScheduleGroupInput{Name: &id})
	case "apigateway apis":
		return true, s.deleteAPI(ctx, strings.Split(strings.TrimPrefix(l.rest, "/apis/"), "/")[0])
	case "apigateway domainnames":
		_, err := h.dropDomain(ctx, id, h.settings.zone, false)
		return true, err
	case "elasticloadbalancing targetgroup":
		return true, h.deleteTargetGroup(ctx, l.arn)
	case "elasticloadbalancing listener-rule":
		return true, s.deleteRule(ctx, l.arn)
	case "ecr repository":
		name := strings.TrimPrefix(l.rest, "repository/")
		_, err = s.ecr.DeleteRepository(ctx, &ecr.DeleteRepositoryInput{RepositoryName: &name, Force: true})
		if code(err) == "RepositoryNotFoundException" {
			err = nil
		}
	case "acm certificate":
		tags, err := s.certificateTags(ctx, l.arn)
		if err != nil || tags == nil {
			return true, err
		}
		return true, h.dropCertificate(ctx, certificate{arn: l.arn, tags: tags}, false)
	default:
		return false, nil
	}
	if err != nil && !gone(err) {
		return true, problem("remove", l.arn, err)
	}
	return true, nil
}

// swept destroys, and proves that nothing is left.
func (t *Target) swept(ctx context.Context, s *session, k targets.Key) (bool, error) {
	existed, err := t.remove(ctx, s, k)
	if err != nil {
		return existed, err
	}
	left, err := t.hosting(s, k, nil).sweep(ctx)
	return existed || left, err
}
