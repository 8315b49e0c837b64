package lambda

import (
	"fmt"
	"strings"

	"github.com/twofoldhq/twofold/targets"
)

// front allows what lets requests in beside a function URL: what the manifest asks for is
// made, and what it has dropped is removed, as far as the target block is the same.
func (p *policyWriter) front(d targets.Deployment, name string) {
	s := p.settings
	if s.public != publicAPI && s.public != publicALB {
		p.droppedAPI(d)
		return
	}
	if s.public == publicALB {
		p.balancer(name)
	}
	if s.public == publicAPI {
		p.domainName(d)
	}
	p.certificates(d)
	if s.zone != "" {
		p.allow("Records", []string{"route53:ChangeResourceRecordSets", "route53:ListResourceRecordSets"},
			fmt.Sprintf("arn:%s:route53:::hostedzone/%s", p.session.partition, s.zone))
	}
}

// ofProject bounds a statement to what has the tag of the deployment's project.
func (one *statement) ofProject(project string) {
	condition, _ := one.Condition.(map[string]map[string][]string)
	if condition == nil {
		condition = map[string]map[string][]string{"StringEquals": {}}
		one.Condition = condition
	}
	const key = "aws:ResourceTag/" + tagProject
	for _, has := range condition["StringEquals"][key] {
		if has == project {
			return
		}
	}
	condition["StringEquals"][key] = append(condition["StringEquals"][key], project)
}

// droppedAPI allows the HTTP API of an earlier manifest to be removed.
func (p *policyWriter) droppedAPI(d targets.Deployment) {
	begin := p.gateway()
	p.allow("LookAtApis", []string{"apigateway:GET"}, begin+"/apis", begin+"/apis/*")
	p.allow("DroppedApis", []string{"apigateway:DELETE"}, begin+"/apis/*").ofProject(d.Project)
}

func (p *policyWriter) gateway() string {
	return fmt.Sprintf("arn:%s:apigateway:%s::", p.session.partition, p.session.region)
}

func (p *policyWriter) domainName(d targets.Deployment) {
	begin := p.gateway()
	p.allow("LookAtDomainNames", []string{"apigateway:GET"}, begin+"/domainnames/*")
	p.allow("DroppedDomainNames", []string{"apigateway:DELETE"}, begin+"/domainnames/*").ofProject(d.Project)
	if d.Domain == "" {
		return
	}
	own := begin + "/domainnames/" + d.Domain
	p.allow("DomainNames", []string{"apigateway:DELETE", "apigateway:PATCH", "apigateway:POST", "apigateway:TagResource"},
		begin+"/domainnames", own, own+"/apimappings", own+"/apimappings/*")
	// The first domain name of an account makes the role of API Gateway. Source: "Using
	// service-linked roles for API Gateway" in its developer guide.
	const service = "ops.apigateway.amazonaws.com"
	one := p.allow("ServiceRole", []string{"iam:CreateServiceLinkedRole"}, p.arn("iam", "role/aws-service-role/"+service+"/AWSServiceRoleForAPIGateway"))
	one.Condition = map[string]map[string]string{"StringEquals": {"iam:AWSServiceName": service}}
}

// certificates allows one to be found, requested and deleted. ACM gives them names of its
// own, so that only their tags tell whose they are.
func (p *policyWriter) certificates(d targets.Deployment) {
	all := p.arn("acm", "certificate/*")
	p.allow("FindCertificates", []string{"acm:ListCertificates"}, "*")
	p.allow("LookAtCertificates", []string{"acm:DescribeCertificate", "acm:ListTagsForCertificate"}, all)
	p.allow("DroppedCertificates", []string{"acm:DeleteCertificate"}, all).ofProject(d.Project)
	if d.Domain != "" && p.settings.certificate == "" {
		p.allow("RequestCertificates", []string{"acm:AddTagsToCertificate", "acm:RequestCertificate"}, all)
	}
}

func (p *policyWriter) balancer(name string) {
	p.allow("LookAtBalancers", []string{
		"elasticloadbalancing:DescribeListenerCertificates", "elasticloadbalancing:DescribeListeners", "elasticloadbalancing:DescribeLoadBalancers",
		"elasticloadbalancing:DescribeRules", "elasticloadbalancing:DescribeTags", "elasticloadbalancing:DescribeTargetGroupAttributes",
		"elasticloadbalancing:DescribeTargetGroups", "elasticloadbalancing:DescribeTargetHealth",
	}, "*")
	p.allow("TargetGroups", []string{
		"elasticloadbalancing:AddTags", "elasticloadbalancing:CreateTargetGroup", "elasticloadbalancing:DeleteTargetGroup", "elasticloadbalancing:DeregisterTargets",
		"elasticloadbalancing:ModifyTargetGroup", "elasticloadbalancing:ModifyTargetGroupAttributes", "elasticloadbalancing:RegisterTargets", "elasticloadbalancing:RemoveTags",
	}, p.arn("elasticloadbalancing", "targetgroup/"+balancerName(name)+"/*"))
	p.allow("Listener", []string{
		"elasticloadbalancing:AddListenerCertificates", "elasticloadbalancing:CreateRule", "elasticloadbalancing:RemoveListenerCertificates",
	}, p.settings.listener)
	p.allow("Rules", []string{"elasticloadbalancing:AddTags", "elasticloadbalancing:DeleteRule", "elasticloadbalancing:ModifyRule"},
		strings.Replace(p.settings.listener, ":listener/", ":listener-rule/", 1)+"/*")
}

// droppedSchedules allows the schedules of an earlier manifest to be removed: they are
// found by the names that twofold gives.
func (p *policyWriter) droppedSchedules(name, role string) {
	group := scheduleGroup(name)
	p.allow("DroppedSchedules", []string{"scheduler:DeleteSchedule", "scheduler:DeleteScheduleGroup", "scheduler:GetSchedule", "scheduler:ListSchedules"},
		p.arn("scheduler", "schedule-group/"+group), p.arn("scheduler", "schedule/"+group+"/*"))
	p.allow("DroppedRoles", []string{"iam:DeleteRole", "iam:DeleteRolePolicy", "iam:GetRole", "iam:GetRolePolicy"}, role)
}

// droppedQueues allows a function to be disconnected from the queues of an earlier
// manifest.
func (p *policyWriter) droppedQueues(function string) {
	one := p.allow("DroppedMappings", []string{"lambda:DeleteEventSourceMapping"}, p.arn("lambda", "event-source-mapping:*"))
	const operator, key = "ArnLike", "lambda:FunctionArn"
	condition, _ := one.Condition.(map[string]map[string][]string)
	if condition == nil {
		condition = map[string]map[string][]string{operator: {}}
		one.Condition = condition
	}
	condition[operator][key] = append(condition[operator][key], function, function+":*")
}
