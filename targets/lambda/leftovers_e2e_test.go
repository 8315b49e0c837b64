//go:build e2e

package lambda

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/acm"
	elb "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
	elbtypes "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
)

func TestDestroyProvesByTagsThatNothingIsLeft(t *testing.T) {
	c := beside(t)
	c.set(nil, healthyApp)
	ctx, s := t.Context(), c.session(t)
	target, d := c.quick(t, nil), deploymentOf("proof")
	deployedTwice(t, target, d)
	// What no mark of the function speaks of, such as of a deploy that was interrupted
	// while the manifest went on.
	if _, err := s.balancers.CreateTargetGroup(ctx, &elb.CreateTargetGroupInput{Name: aws.String("forgotten"), TargetType: elbtypes.TargetTypeEnumLambda, Tags: balancerTagList(ownTags(d.Key))}); err != nil {
		t.Fatal(err)
	}
	if _, err := s.acm.RequestCertificate(ctx, &acm.RequestCertificateInput{DomainName: aws.String("forgotten.example.com"), Tags: certificateTagList(ownTags(d.Key))}); err != nil {
		t.Fatal(err)
	}
	queue := "tagged"
	out, err := s.sqs.CreateQueue(ctx, &sqs.CreateQueueInput{QueueName: &queue, Tags: ownTags(d.Key)})
	if err != nil {
		t.Fatal(err)
	}
	if _, err = target.Destroy(ctx, d.Key); err == nil || !strings.Contains(err.Error(), s.queueARN(queue)) || strings.Contains(err.Error(), "forgotten") {
		t.Errorf("with a queue that has the tags: %v", err)
	}
	if left := c.certificatesIn(t); len(left) > 0 {
		t.Errorf("certificates are left: %q", left)
	}
	if _, err := s.balancers.DescribeTargetGroups(ctx, &elb.DescribeTargetGroupsInput{Names: []string{"forgotten"}}); !gone(err) {
		t.Errorf("the target group is left: %v", err)
	}
	if _, err := s.sqs.DeleteQueue(ctx, &sqs.DeleteQueueInput{QueueUrl: out.QueueUrl}); err != nil {
		t.Fatal(err)
	}
	// The index of tags still has what is gone.
	c.set(func(one call) verdict {
		if one.service != "tagging" {
			return verdict{}
		}
		var list []string
		begin := fmt.Sprintf(":eu-west-1:%s:", c.account)
		for _, arn := range []string{
			"lambda" + begin + "function:" + functionName(d.Key), "lambda" + begin + "event-source-mapping:4a4e5d5f-0b4a-4f0a-8f7e-0a1b2c3d4e5f",
			"logs" + begin + "log-group:/aws/lambda/" + functionName(d.Key), "scheduler" + begin + "schedule-group/" + functionName(d.Key),
			"apigateway:eu-west-1::/apis/abcdefgh/stages/$default", "apigateway:eu-west-1::/domainnames/gone.example.com",
			"elasticloadbalancing" + begin + "targetgroup/gone/0123456789abcdef", "acm" + begin + "certificate/12345678-1234-1234-1234-123456789012",
		} {
			list = append(list, fmt.Sprintf(`{"ResourceARN":"arn:aws:%s","Tags":[]}`, arn))
		}
		return verdict{answer: func(w http.ResponseWriter) {
			w.Header().Set("Content-Type", "application/x-amz-json-1.1")
			fmt.Fprintf(w, `{"ResourceTagMappingList":[%s],"PaginationToken":""}`, strings.Join(list, ","))
		}}
	}, healthyApp)
	if existed, err := target.Destroy(ctx, d.Key); err != nil || existed {
		t.Errorf("with an index that is late: %t, %v", existed, err)
	}
	c.set(func(one call) verdict {
		if one.service == "tagging" {
			return verdict{answer: awsError(http.StatusBadRequest, "AccessDeniedException", "User: arn:aws:iam::123456789012:user/x is not authorized to perform: tag:GetResources because no identity-based policy allows the tag:GetResources action")}
		}
		return verdict{}
	}, healthyApp)
	if _, err := target.Destroy(ctx, d.Key); err == nil || !strings.Contains(err.Error(), `"Action": "tag:GetResources"`) {
		t.Errorf("without the right to look: %v", err)
	}
}
