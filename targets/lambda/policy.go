package lambda

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/twofoldhq/twofold/release"
	"github.com/twofoldhq/twofold/targets"
)

// policy is the least that deploying, stating, rolling back and destroying these
// deployments needs. Where the account or the region is not known without asking, a
// star stands for it.
//
// Statements name the resources by the names that twofold gives to them; actions that
// AWS knows no resources for, such as sqs:ListQueues, are not used. Source: "Actions,
// resources, and condition keys for AWS services", the service authorization
// reference.
func (t *Target) policy(list []targets.Deployment) ([]byte, error) {
	s := &session{region: t.settings.region, account: "*", partition: partitionOf(t.settings.region)}
	if s.region == "" {
		s.region = "*"
	}
	p := &policyWriter{session: s, settings: t.settings}
	for _, d := range list {
		p.deployment(d)
	}
	p.shared()
	return json.MarshalIndent(struct {
		Version   string
		Statement []statement
	}{"2012-10-17", p.statements()}, "", "  ")
}

// partitionOf is the partition that a region is in. Source: "Partitions" in the AWS
// fault isolation boundaries whitepaper.
func partitionOf(region string) string {
	switch {
	case strings.HasPrefix(region, "cn-"):
		return "aws-cn"
	case strings.HasPrefix(region, "us-gov-"):
		return "aws-us-gov"
	}
	return "aws"
}

// policyWriter gathers the resources of each kind of actions.
type policyWriter struct {
	session  *session
	settings settings
	order    []string
	by       map[string]*statement
}

func (p *policyWriter) allow(sid string, actions []string, resources ...string) *statement {
	if p.by == nil {
		p.by = map[string]*statement{}
	}
	one := p.by[sid]
	if one == nil {
		one = &statement{Sid: sid, Effect: "Allow", Action: actions}
		p.by[sid], p.order = one, append(p.order, sid)
	}
	for _, r := range resources {
		if !slices.Contains(one.Resource, r) {
			one.Resource = append(one.Resource, r)
		}
	}
	return one
}

func (p *policyWriter) statements() []statement {
	var list []statement
	for _, sid := range p.order {
		list = append(list, *p.by[sid])
	}
	return list
}

func (p *policyWriter) arn(service, rest string) string {
	s := p.session
	switch service {
	case "iam":
		return fmt.Sprintf("arn:%s:iam::%s:%s", s.partition, s.account, rest)
	case "s3":
		return fmt.Sprintf("arn:%s:s3:::%s", s.partition, rest)
	}
	return fmt.Sprintf("arn:%s:%s:%s:%s:%s", s.partition, service, s.region, s.account, rest)
}

func (p *policyWriter) deployment(d targets.Deployment) {
	name := functionName(d.Key)
	function := p.arn("lambda", "function:"+name)
	p.allow("Functions", []string{
		"lambda:AddPermission", "lambda:CreateAlias", "lambda:CreateFunction", "lambda:CreateFunctionUrlConfig", "lambda:DeleteFunction",
		"lambda:DeleteFunctionConcurrency", "lambda:DeleteFunctionUrlConfig", "lambda:DeleteProvisionedConcurrencyConfig", "lambda:GetAlias", "lambda:GetFunction", "lambda:GetFunctionUrlConfig",
		"lambda:GetPolicy", "lambda:InvokeFunction", "lambda:ListAliases", "lambda:ListProvisionedConcurrencyConfigs", "lambda:ListTags", "lambda:ListVersionsByFunction", "lambda:PublishVersion",
		"lambda:PutFunctionConcurrency", "lambda:PutProvisionedConcurrencyConfig", "lambda:RemovePermission", "lambda:TagResource", "lambda:UntagResource", "lambda:UpdateAlias", "lambda:UpdateFunctionCode",
		"lambda:UpdateFunctionConfiguration", "lambda:UpdateFunctionUrlConfig",
	}, function, function+":*")
	group := p.arn("logs", "log-group:/aws/lambda/"+name)
	p.allow("Logs", []string{
		"logs:CreateLogGroup", "logs:DeleteLogGroup", "logs:DeleteRetentionPolicy", "logs:FilterLogEvents", "logs:PutRetentionPolicy", "logs:TagResource",
	}, group, group+":*")
	region := p.session.region
	role := p.arn("iam", "role/"+roleName(name, region))
	if region == "*" {
		role = p.arn("iam", "role/twofold-"+name+"*")
	}
	if p.settings.role == "" {
		p.roles(role, "lambda.amazonaws.com")
	} else {
		p.pass("PassRole", p.settings.role, "lambda.amazonaws.com")
	}
	p.images(d, name)
	p.triggers(d, name)
	p.front(d, name)
	for _, one := range d.Secrets {
		r := referenceOf(one.From)
		if arn := r.arn(p.session.partition, p.session.region, p.session.account); r.parameter {
			p.allow("Parameters", []string{"ssm:GetParameters"}, arn)
		} else {
			p.allow("Secrets", []string{"secretsmanager:DescribeSecret"}, arn)
		}
	}
}

// triggers allows what connects a deployment, and what finds out that nothing is
// connected: a deploy looks for what an earlier one has left.
func (p *policyWriter) triggers(d targets.Deployment, name string) {
	group := scheduleGroup(name)
	p.allow("ScheduleGroups", []string{"scheduler:GetScheduleGroup", "scheduler:ListTagsForResource"}, p.arn("scheduler", "schedule-group/"+group))
	role := p.arn("iam", "role/"+roleName("schedule-"+name, p.session.region))
	if p.session.region == "*" {
		role = p.arn("iam", "role/twofold-schedule-"+name+"*")
	}
	if len(d.Schedules) > 0 {
		p.allow("Schedules", []string{
			"scheduler:CreateSchedule", "scheduler:CreateScheduleGroup", "scheduler:DeleteSchedule", "scheduler:DeleteScheduleGroup", "scheduler:GetSchedule",
			"scheduler:ListSchedules", "scheduler:TagResource", "scheduler:UpdateSchedule",
		}, p.arn("scheduler", "schedule-group/"+group), p.arn("scheduler", "schedule/"+group+"/*"))
		p.roles(role, "scheduler.amazonaws.com")
	} else {
		p.droppedSchedules(name, role)
	}
	p.droppedQueues(p.arn("lambda", "function:"+name))
	for _, t := range d.Triggers {
		switch t.Kind {
		case targets.TriggerQueue:
			p.allow("Queues", []string{"sqs:GetQueueAttributes", "sqs:GetQueueUrl"}, p.session.queueARN(t.Source))
			mappings := p.arn("lambda", "event-source-mapping:*")
			p.allow("Mappings", []string{"lambda:UpdateEventSourceMapping", "lambda:TagResource"}, mappings)
			p.connect(p.arn("lambda", "function:"+name))
		case targets.TriggerObject:
			p.allow("Buckets", []string{"s3:GetBucketNotification", "s3:PutBucketNotification"}, p.arn("s3", t.Source))
		}
	}
}

// images allows the repository of a function, which every destroy looks for. What a
// service without a bundle needs is allowed where the target block says form = "image".
func (p *policyWriter) images(d targets.Deployment, name string) {
	repository := p.arn("ecr", "repository/"+repositoryName(name))
	p.allow("Repository", []string{"ecr:DescribeRepositories", "ecr:ListTagsForResource", "ecr:DeleteRepository"}, repository)
	if p.settings.forms[0] != release.Image {
		return
	}
	p.allow("Images", []string{
		"ecr:BatchCheckLayerAvailability", "ecr:BatchDeleteImage", "ecr:BatchGetImage", "ecr:CompleteLayerUpload", "ecr:CreateRepository", "ecr:GetDownloadUrlForLayer",
		"ecr:GetRepositoryPolicy", "ecr:InitiateLayerUpload", "ecr:ListImages", "ecr:PutImage", "ecr:SetRepositoryPolicy", "ecr:TagResource", "ecr:UploadLayerPart",
	}, repository)
	p.allow("RegistryLogin", []string{"ecr:GetAuthorizationToken"}, "*")
}

// uploads allows large bundles to go through a bucket.
func (p *policyWriter) uploads() {
	if p.settings.forms[0] != release.Bundle {
		return
	}
	bucket := p.settings.bucket
	if bucket == "" {
		bucket = p.session.uploadBucket("")
		p.allow("UploadBucket", []string{"s3:CreateBucket", "s3:PutBucketPublicAccessBlock", "s3:PutLifecycleConfiguration"}, p.arn("s3", bucket))
	}
	p.allow("Uploads", []string{"s3:ListBucket", "s3:PutObject", "s3:GetObject", "s3:DeleteObject"}, p.arn("s3", bucket), p.arn("s3", bucket+"/*"))
}

// connect allows queues to be connected with a function. What is made has no ARN before,
// so that AWS takes only a star here, and bounds it by the function. Source: "Resources
// and conditions for Lambda actions" in the Lambda developer guide.
func (p *policyWriter) connect(function string) {
	one := p.allow("Connect", []string{"lambda:CreateEventSourceMapping"}, "*")
	const operator, key = "ArnLike", "lambda:FunctionArn"
	condition, _ := one.Condition.(map[string]map[string][]string)
	if condition == nil {
		condition = map[string]map[string][]string{operator: {}}
		one.Condition = condition
	}
	for _, arn := range []string{function, function + ":*"} {
		if !slices.Contains(condition[operator][key], arn) {
			condition[operator][key] = append(condition[operator][key], arn)
		}
	}
}

// roles allows roles to be made and handed to a service.
func (p *policyWriter) roles(arn, service string) {
	p.allow("Roles", []string{
		"iam:CreateRole", "iam:DeleteRole", "iam:DeleteRolePolicy", "iam:GetRole", "iam:GetRolePolicy", "iam:PutRolePolicy", "iam:TagRole", "iam:UpdateAssumeRolePolicy",
	}, arn)
	sid := "PassRole"
	if service != "lambda.amazonaws.com" {
		sid = "PassScheduleRole"
	}
	p.pass(sid, arn, service)
}

func (p *policyWriter) pass(sid, arn, service string) {
	one := p.allow(sid, []string{"iam:PassRole"}, arn)
	one.Condition = map[string]map[string]string{"StringEquals": {"iam:PassedToService": service}}
}

// shared allows what cannot be bounded to the deployments: lists, and measurements.
func (p *policyWriter) shared() {
	p.uploads()
	p.allow("Look", []string{
		"cloudwatch:GetMetricData", "lambda:ListEventSourceMappings", "lambda:ListFunctions", "logs:DescribeLogGroups", "tag:GetResources",
	}, "*")
	if p.settings.public == "api" {
		begin := fmt.Sprintf("arn:%s:apigateway:%s::", p.session.partition, p.session.region)
		p.allow("Apis", []string{"apigateway:DELETE", "apigateway:GET", "apigateway:PATCH", "apigateway:POST", "apigateway:TagResource"},
			begin+"/apis", begin+"/apis/*", begin+"/tags/*")
	}
	if len(p.settings.subnets) > 0 {
		p.allow("Network", []string{"ec2:DescribeSecurityGroups", "ec2:DescribeSubnets", "ec2:DescribeVpcs"}, "*")
	}
	if len(p.settings.layers) > 0 {
		p.allow("Layers", []string{"lambda:GetLayerVersion"}, p.settings.layers...)
	}
	if len(p.settings.volumes) > 0 {
		p.allow("Volumes", []string{"elasticfilesystem:DescribeAccessPoints", "elasticfilesystem:DescribeFileSystems", "elasticfilesystem:DescribeMountTargets"}, "*")
	}
}
