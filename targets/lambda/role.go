package lambda

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"reflect"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	iamtypes "github.com/aws/aws-sdk-go-v2/service/iam/types"
)

// policyName is the one policy in a role that twofold made.
const policyName = "twofold"

// wantedRole is a role that a function runs under, with exactly the rights that its
// deployment implies.
type wantedRole struct {
	name, arn string
	// trust and policy are policy documents.
	trust, policy string
	tags          map[string]string
}

type statement struct {
	Sid       string            `json:"Sid,omitempty"`
	Effect    string            `json:"Effect"`
	Principal map[string]string `json:"Principal,omitempty"`
	Action    []string          `json:"Action"`
	Resource  []string          `json:"Resource,omitempty"`
	Condition any               `json:"Condition,omitempty"`
}

func document(list ...statement) string {
	b, _ := json.Marshal(struct {
		Version   string
		Statement []statement
	}{"2012-10-17", list})
	return string(b)
}

// roleOf is the role of a function. Sources: "Defining Lambda function permissions
// with an execution role" for the log, "Giving Lambda functions access to resources in
// an Amazon VPC" and efsPage for the rest.
func (s *session) roleOf(w *wanted, set settings) *wantedRole {
	r := &wantedRole{name: roleName(w.name, s.region), tags: w.tags}
	r.arn = fmt.Sprintf("arn:%s:iam::%s:role/%s", s.partition, s.account, r.name)
	r.trust = document(statement{Effect: "Allow", Principal: map[string]string{"Service": "lambda.amazonaws.com"}, Action: []string{"sts:AssumeRole"}})
	rights := []statement{{
		Sid: "Log", Effect: "Allow", Action: []string{"logs:CreateLogStream", "logs:PutLogEvents"},
		Resource: []string{fmt.Sprintf("arn:%s:logs:%s:%s:log-group:%s:*", s.partition, s.region, s.account, w.logGroup)},
	}}
	if len(set.subnets) > 0 {
		rights = append(rights, statement{
			Sid: "Network", Effect: "Allow", Resource: []string{"*"},
			Action: []string{"ec2:CreateNetworkInterface", "ec2:DeleteNetworkInterface", "ec2:DescribeNetworkInterfaces", "ec2:DescribeSubnets",
				"ec2:AssignPrivateIpAddresses", "ec2:UnassignPrivateIpAddresses"},
		})
	}
	switch mount := w.config.mount; {
	case isS3Files(mount):
		fileSystem, _, _ := strings.Cut(mount, "/access-point/")
		rights = append(rights, statement{
			Sid: "Volume", Effect: "Allow", Resource: []string{fileSystem}, Action: []string{"s3files:ClientMount", "s3files:ClientWrite"},
		})
	case mount != "":
		rights = append(rights, statement{
			Sid: "Volume", Effect: "Allow", Resource: []string{"*"}, Action: []string{"elasticfilesystem:ClientMount", "elasticfilesystem:ClientWrite"},
			Condition: map[string]map[string]string{"StringEquals": {"elasticfilesystem:AccessPointArn": w.config.mount}},
		})
	}
	rights = append(rights, w.config.instanceRights()...)
	rights = append(rights, queueRights(w.mappings)...)
	rights = append(rights, s.secretRights(w.secrets)...)
	r.policy = document(rights...)
	return r
}

// observedRole is a role as it is.
type observedRole struct {
	tags          map[string]string
	trust, policy string
}

// observeRole returns nil for a role that does not exist.
func (s *session) observeRole(ctx context.Context, name string) (*observedRole, error) {
	out, err := s.iam.GetRole(ctx, &iam.GetRoleInput{RoleName: &name})
	if missing(err) {
		return nil, nil
	}
	if err != nil {
		return nil, problem("read role", name, err)
	}
	o := &observedRole{tags: map[string]string{}, trust: decoded(out.Role.AssumeRolePolicyDocument)}
	for _, tag := range out.Role.Tags {
		o.tags[aws.ToString(tag.Key)] = aws.ToString(tag.Value)
	}
	policy, err := s.iam.GetRolePolicy(ctx, &iam.GetRolePolicyInput{RoleName: &name, PolicyName: aws.String(policyName)})
	switch {
	case missing(err):
	case err != nil:
		return nil, problem("read the policy of role", name, err)
	default:
		o.policy = decoded(policy.PolicyDocument)
	}
	return o, nil
}

// decoded is a policy document as IAM returns it: URL-encoded JSON.
func decoded(document *string) string {
	text, err := url.PathUnescape(aws.ToString(document))
	if err != nil {
		return aws.ToString(document)
	}
	return text
}

// sameDocument compares policy documents as JSON.
func sameDocument(a, b string) bool {
	var x, y any
	if json.Unmarshal([]byte(a), &x) != nil || json.Unmarshal([]byte(b), &y) != nil {
		return a == b
	}
	return reflect.DeepEqual(x, y)
}

// makeRole makes the role what it should be. It reports whether it changed anything.
func (s *session) makeRole(ctx context.Context, w *wantedRole, o *observedRole) (bool, error) {
	changed := false
	if o == nil {
		_, err := s.iam.CreateRole(ctx, &iam.CreateRoleInput{
			RoleName: &w.name, AssumeRolePolicyDocument: &w.trust, Tags: roleTags(w.tags),
			Description: aws.String("What a function of twofold may do. twofold deploy makes it, and twofold destroy removes it."),
		})
		if err != nil {
			return false, problem("create role", w.name, err)
		}
		o, changed = &observedRole{trust: w.trust}, true
	}
	if !sameDocument(w.trust, o.trust) {
		_, err := s.iam.UpdateAssumeRolePolicy(ctx, &iam.UpdateAssumeRolePolicyInput{RoleName: &w.name, PolicyDocument: &w.trust})
		if err != nil {
			return changed, problem("update who may assume role", w.name, err)
		}
		changed = true
	}
	if !sameDocument(w.policy, o.policy) {
		_, err := s.iam.PutRolePolicy(ctx, &iam.PutRolePolicyInput{RoleName: &w.name, PolicyName: aws.String(policyName), PolicyDocument: &w.policy})
		if err != nil {
			return changed, problem("write the policy of role", w.name, err)
		}
		changed = true
	}
	return changed, nil
}

func roleTags(tags map[string]string) []iamtypes.Tag {
	var list []iamtypes.Tag
	for _, name := range sorted(tags) {
		list = append(list, iamtypes.Tag{Key: aws.String(name), Value: aws.String(tags[name])})
	}
	return list
}

// removeRole removes a role of ours. It reports whether there was one.
func (s *session) removeRole(ctx context.Context, name string, tags map[string]string) (bool, error) {
	o, err := s.observeRole(ctx, name)
	if o == nil || err != nil {
		return false, err
	}
	if !covers(o.tags, tags) {
		return false, fmt.Errorf("role %q is not tagged as this deployment's, and stays: remove it by hand if nothing else uses it", name)
	}
	if _, err := s.iam.DeleteRolePolicy(ctx, &iam.DeleteRolePolicyInput{RoleName: &name, PolicyName: aws.String(policyName)}); err != nil && !missing(err) {
		return true, problem("delete the policy of role", name, err)
	}
	if _, err := s.iam.DeleteRole(ctx, &iam.DeleteRoleInput{RoleName: &name}); err != nil && !missing(err) {
		return true, problem("delete role", name, err)
	}
	return true, nil
}

// covers reports whether tags hold all of want.
func covers(tags, want map[string]string) bool {
	for name, value := range want {
		if tags[name] != value {
			return false
		}
	}
	return true
}
