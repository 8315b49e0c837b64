//go:build e2e

package lambda

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"
)

// right is an action of IAM, and the ARN of what it is done to: "" where a call does
// not say that in a form that the tests read.
type right struct{ action, resource string }

// operation is how a REST API of AWS is called.
type operation struct {
	method string
	path   *regexp.Regexp
	name   string
	// resource is an ARN's end, with the groups of path, "*" where AWS takes no ARN, and ""
	// where the tests do not read it.
	resource string
}

const functionsPath = `^/20\d\d-\d\d-\d\d/functions`

// operations are those of the services that do not name them in a call. Sources: the
// API references, and "Actions, resources, and condition keys for AWS services".
var operations = map[string][]operation{
	"lambda": {
		{"POST", regexp.MustCompile(functionsPath + `$`), "CreateFunction", ""},
		{"GET", regexp.MustCompile(functionsPath + `/?$`), "ListFunctions", "*"},
		{"GET", regexp.MustCompile(functionsPath + `/([^/]+)$`), "GetFunction", "function:$1"},
		{"DELETE", regexp.MustCompile(functionsPath + `/([^/]+)$`), "DeleteFunction", "function:$1"},
		{"PUT", regexp.MustCompile(functionsPath + `/([^/]+)/code$`), "UpdateFunctionCode", "function:$1"},
		{"PUT", regexp.MustCompile(functionsPath + `/([^/]+)/configuration$`), "UpdateFunctionConfiguration", "function:$1"},
		{"GET", regexp.MustCompile(functionsPath + `/([^/]+)/configuration$`), "GetFunctionConfiguration", "function:$1"},
		{"POST", regexp.MustCompile(functionsPath + `/([^/]+)/versions$`), "PublishVersion", "function:$1"},
		{"GET", regexp.MustCompile(functionsPath + `/([^/]+)/versions$`), "ListVersionsByFunction", "function:$1"},
		{"POST", regexp.MustCompile(functionsPath + `/([^/]+)/aliases$`), "CreateAlias", "function:$1"},
		{"GET", regexp.MustCompile(functionsPath + `/([^/]+)/aliases$`), "ListAliases", "function:$1"},
		{"GET", regexp.MustCompile(functionsPath + `/([^/]+)/aliases/[^/]+$`), "GetAlias", "function:$1"},
		{"PUT", regexp.MustCompile(functionsPath + `/([^/]+)/aliases/[^/]+$`), "UpdateAlias", "function:$1"},
		{"DELETE", regexp.MustCompile(functionsPath + `/([^/]+)/aliases/[^/]+$`), "DeleteAlias", "function:$1"},
		{"POST", regexp.MustCompile(functionsPath + `/([^/]+)/invocations$`), "InvokeFunction", "function:$1:live"},
		{"GET", regexp.MustCompile(functionsPath + `/([^/]+)/policy$`), "GetPolicy", "function:$1"},
		{"POST", regexp.MustCompile(functionsPath + `/([^/]+)/policy$`), "AddPermission", "function:$1"},
		{"DELETE", regexp.MustCompile(functionsPath + `/([^/]+)/policy/[^/]+$`), "RemovePermission", "function:$1"},
		{"PUT", regexp.MustCompile(functionsPath + `/([^/]+)/concurrency$`), "PutFunctionConcurrency", "function:$1"},
		{"DELETE", regexp.MustCompile(functionsPath + `/([^/]+)/concurrency$`), "DeleteFunctionConcurrency", "function:$1"},
		{"GET", regexp.MustCompile(functionsPath + `/([^/]+)/concurrency$`), "GetFunctionConcurrency", "function:$1"},
		{"PUT", regexp.MustCompile(functionsPath + `/([^/]+)/provisioned-concurrency$`), "PutProvisionedConcurrencyConfig", "function:$1:1"},
		{"GET", regexp.MustCompile(functionsPath + `/([^/]+)/provisioned-concurrency$`), "ListProvisionedConcurrencyConfigs", "function:$1"},
		{"DELETE", regexp.MustCompile(functionsPath + `/([^/]+)/provisioned-concurrency$`), "DeleteProvisionedConcurrencyConfig", "function:$1:1"},
		{"POST", regexp.MustCompile(functionsPath + `/([^/]+)/url$`), "CreateFunctionUrlConfig", "function:$1"},
		{"GET", regexp.MustCompile(functionsPath + `/([^/]+)/url$`), "GetFunctionUrlConfig", "function:$1"},
		{"PUT", regexp.MustCompile(functionsPath + `/([^/]+)/url$`), "UpdateFunctionUrlConfig", "function:$1"},
		{"DELETE", regexp.MustCompile(functionsPath + `/([^/]+)/url$`), "DeleteFunctionUrlConfig", "function:$1"},
		{"GET", regexp.MustCompile(`/tags/arn:[^/]+:function:([^/:]+)$`), "ListTags", "function:$1"},
		{"POST", regexp.MustCompile(`/tags/arn:[^/]+:function:([^/:]+)$`), "TagResource", "function:$1"},
		{"DELETE", regexp.MustCompile(`/tags/arn:[^/]+:function:([^/:]+)$`), "UntagResource", "function:$1"},
		{"GET", regexp.MustCompile(`/event-source-mappings/?$`), "ListEventSourceMappings", "*"},
		{"POST", regexp.MustCompile(`/event-source-mappings/?$`), "CreateEventSourceMapping", "*"},
		{"GET", regexp.MustCompile(`/event-source-mappings/([^/]+)$`), "GetEventSourceMapping", "event-source-mapping:$1"},
		{"PUT", regexp.MustCompile(`/event-source-mappings/([^/]+)$`), "UpdateEventSourceMapping", "event-source-mapping:$1"},
		{"DELETE", regexp.MustCompile(`/event-source-mappings/([^/]+)$`), "DeleteEventSourceMapping", "event-source-mapping:$1"},
		{"GET", regexp.MustCompile(`/layers/([^/]+)/versions/(\d+)$`), "GetLayerVersion", ""},
		{"GET", regexp.MustCompile(`/layers$`), "GetLayerVersion", ""},
	},
	"scheduler": {
		{"GET", regexp.MustCompile(`^/schedule-groups/([^/]+)$`), "GetScheduleGroup", "schedule-group/$1"},
		{"POST", regexp.MustCompile(`^/schedule-groups/([^/]+)$`), "CreateScheduleGroup", "schedule-group/$1"},
		{"DELETE", regexp.MustCompile(`^/schedule-groups/([^/]+)$`), "DeleteScheduleGroup", "schedule-group/$1"},
		{"GET", regexp.MustCompile(`^/schedules$`), "ListSchedules", ""},
		{"GET", regexp.MustCompile(`^/schedules/([^/]+)$`), "GetSchedule", ""},
		{"POST", regexp.MustCompile(`^/schedules/([^/]+)$`), "CreateSchedule", ""},
		{"PUT", regexp.MustCompile(`^/schedules/([^/]+)$`), "UpdateSchedule", ""},
		{"DELETE", regexp.MustCompile(`^/schedules/([^/]+)$`), "DeleteSchedule", ""},
		{"GET", regexp.MustCompile(`^/tags/arn:[^/]+:schedule-group/([^/]+)$`), "ListTagsForResource", "schedule-group/$1"},
	},
	"apigateway": {
		{"", regexp.MustCompile(`^/v2/tags/`), "", "/tags/x"},
		{"", regexp.MustCompile(`^/v2(/.*)$`), "", "$1"},
	},
	"monitoring": {{"POST", regexp.MustCompile(`/operation/GetMetricData$`), "GetMetricData", "*"}},
	"route53": {
		{"POST", regexp.MustCompile(`^/[^/]+/hostedzone/?$`), "CreateHostedZone", "*"}, // the tests make one
		{"GET", regexp.MustCompile(`^/[^/]+/hostedzone/([^/]+)$`), "GetHostedZone", "hostedzone/$1"},
		{"GET", regexp.MustCompile(`^/[^/]+/hostedzonesbyname$`), "ListHostedZonesByName", ""},
		{"GET", regexp.MustCompile(`^/[^/]+/hostedzone/([^/]+)/rrset$`), "ListResourceRecordSets", "hostedzone/$1"},
		{"POST", regexp.MustCompile(`^/[^/]+/hostedzone/([^/]+)/rrset/?$`), "ChangeResourceRecordSets", "hostedzone/$1"},
		{"GET", regexp.MustCompile(`^/[^/]+/change/([^/]+)$`), "GetChange", "change/$1"},
	},
}

// subresources are the actions of S3 that the query names.
var subresources = map[string]string{
	"GET notification": "GetBucketNotification", "PUT notification": "PutBucketNotification",
	"PUT publicAccessBlock": "PutBucketPublicAccessBlock", "GET publicAccessBlock": "GetBucketPublicAccessBlock",
	"PUT encryption": "PutEncryptionConfiguration", "GET encryption": "GetEncryptionConfiguration",
	"PUT tagging": "PutBucketTagging", "GET tagging": "GetBucketTagging", "PUT lifecycle": "PutLifecycleConfiguration", "GET lifecycle": "GetLifecycleConfiguration",
	"GET location": "GetBucketLocation", "PUT ownershipControls": "PutBucketOwnershipControls", "GET list-type": "ListBucket",
	"PUT policy": "PutBucketPolicy", "GET policy": "GetBucketPolicy", "DELETE policy": "DeleteBucketPolicy",
	"GET versions": "ListBucketVersions", "GET uploads": "ListBucketMultipartUploads",
}

// prefixes of IAM's actions, where they are not the name that a call is signed for.
var prefixes = map[string]string{"monitoring": "cloudwatch", "tagging": "tag"}

// rightsOf are those that a call needs, first its own, then what AWS asks for beside.
// GetCallerIdentity needs none. What is not known here begins with a question mark.
func rightsOf(c call, region, account string) []right {
	prefix := c.service
	if p := prefixes[prefix]; p != "" {
		prefix = p
	}
	arn := func(end string) string {
		if end == "" || end == "*" {
			return end
		}
		where := region + ":" + account
		switch prefix {
		case "iam":
			where = ":" + account
		case "s3", "route53":
			where = ":"
		case "apigateway":
			where = region + ":"
		}
		return "arn:aws:" + prefix + ":" + where + ":" + end
	}
	u, err := url.Parse(c.path)
	if err != nil {
		return []right{{"?" + c.String(), ""}}
	}
	path, err := url.PathUnescape(u.EscapedPath())
	if err != nil {
		path = u.Path
	}
	own := right{}
	body := fields(c.body)
	switch known := operations[c.service]; {
	case c.service == "sts":
		return nil
	case c.service == "s3":
		own = s3Right(c.method, u, arn)
	case known != nil:
		own = unknown(c)
		for _, o := range known {
			m := o.path.FindStringSubmatchIndex(path)
			if m == nil || o.method != "" && o.method != c.method {
				continue
			}
			name := o.name
			if name == "" {
				name = c.method // API Gateway
			}
			own = right{prefix + ":" + name, arn(string(o.path.ExpandString(nil, o.resource, path, m)))}
			break
		}
		if c.service == "scheduler" && strings.HasPrefix(path, "/schedules/") {
			group := u.Query().Get("groupName")
			if group == "" {
				group = body["GroupName"]
			}
			own.resource = arn("schedule/" + group + strings.TrimPrefix(path, "/schedules"))
		}
		if own.action == "lambda:CreateFunction" {
			own.resource = arn("function:" + body["FunctionName"])
		}
	case !strings.Contains(c.target, "/"):
		_, name, found := strings.Cut(c.target, ".")
		if !found {
			name = c.target
		}
		own = right{prefix + ":" + name, arn(namedIn(c, body))}
	default:
		own = unknown(c)
	}
	return append([]right{own}, beyond(own, c, body, arn)...)
}

func unknown(c call) right { return right{"?" + c.String(), ""} }

func s3Right(method string, u *url.URL, arn func(string) string) right {
	bucket, key, _ := strings.Cut(strings.TrimPrefix(u.Path, "/"), "/")
	for name := range u.Query() {
		if action := subresources[method+" "+name]; action != "" {
			return right{"s3:" + action, arn(bucket)}
		}
	}
	action := map[string]string{"PUT": "CreateBucket", "DELETE": "DeleteBucket", "HEAD": "ListBucket", "GET": "ListBucket"}[method]
	if key != "" {
		bucket += "/" + key
		action = map[string]string{"PUT": "PutObject", "DELETE": "DeleteObject", "HEAD": "GetObject", "GET": "GetObject", "POST": "PutObject"}[method]
	}
	return right{"s3:" + action, arn(bucket)}
}

// fields are the texts in a body, of JSON or of a form.
func fields(body []byte) map[string]string {
	found := map[string]string{}
	var read map[string]any
	if json.Unmarshal(body, &read) == nil {
		for name, value := range read {
			if text, ok := value.(string); ok {
				found[name] = text
			}
		}
		return found
	}
	if values, err := url.ParseQuery(string(body)); err == nil && len(body) < 1<<16 {
		for name := range values {
			found[name] = values.Get(name)
		}
	}
	return found
}

// namedIn is the end of the ARN of what a call names in its body.
func namedIn(c call, body map[string]string) string {
	switch c.service {
	case "logs":
		if group := body["logGroupName"]; group != "" {
			return "log-group:" + group
		}
	case "iam":
		if role := body["RoleName"]; role != "" {
			return "role/" + role
		}
	case "sqs":
		name := body["QueueName"]
		if at := strings.LastIndex(body["QueueUrl"], "/"); at >= 0 {
			name = body["QueueUrl"][at+1:]
		}
		return name
	case "secretsmanager":
		if id := body["SecretId"]; !strings.HasPrefix(id, "arn:") {
			return "secret:" + id + "-AbCdEf"
		}
	case "ecr":
		if name := body["repositoryName"]; name != "" {
			return "repository/" + name
		}
	}
	return ""
}

// ownTag is in a call that gives tags to something, in JSON, a form or XML.
var ownTag = regexp.MustCompile(`twofold(:|%3A)project`)

// beyond is what AWS asks for beside a call's own right: tags given to something that
// is made, the tags in an answer, and a role that is handed over.
func beyond(own right, c call, body map[string]string, arn func(string) string) []right {
	var more []right
	tagged := ownTag.Match(c.body[:min(len(c.body), 1<<16)]) || ownTag.Match(c.body[max(0, len(c.body)-1<<16):])
	switch own.action {
	case "lambda:CreateFunction":
		more = append(more, right{"iam:PassRole", body["Role"]})
	case "lambda:GetFunction":
		more = append(more, right{"lambda:ListTags", own.resource})
	case "scheduler:CreateSchedule", "scheduler:UpdateSchedule":
		var in struct{ Target struct{ RoleArn string } }
		_ = json.Unmarshal(c.body, &in)
		more = append(more, right{"iam:PassRole", in.Target.RoleArn})
	}
	if !tagged {
		return more
	}
	switch own.action {
	case "lambda:CreateFunction", "lambda:CreateEventSourceMapping":
		resource := own.resource
		if resource == "*" {
			resource = arn("event-source-mapping:1")
		}
		more = append(more, right{"lambda:TagResource", resource})
	case "logs:CreateLogGroup":
		more = append(more, right{"logs:TagResource", own.resource})
	case "iam:CreateRole":
		more = append(more, right{"iam:TagRole", own.resource})
	case "ecr:CreateRepository":
		more = append(more, right{"ecr:TagResource", own.resource})
	case "scheduler:CreateScheduleGroup":
		more = append(more, right{"scheduler:TagResource", own.resource})
	case "apigateway:POST":
		more = append(more, right{"apigateway:TagResource", own.resource})
	}
	return more
}

// allows reports whether a statement allows an action on a resource; "" is any that it
// names.
func (s statement) allows(r right) bool {
	for _, action := range s.Action {
		if action != r.action {
			continue
		}
		for _, pattern := range s.Resource {
			if r.resource == "" || like(pattern, r.resource) {
				return true
			}
		}
	}
	return false
}

// like compares as IAM does: a star is any text, and a question mark any character.
func like(pattern, text string) bool {
	quoted := regexp.QuoteMeta(pattern)
	quoted = strings.ReplaceAll(strings.ReplaceAll(quoted, `\*`, `.*`), `\?`, `.`)
	return regexp.MustCompile("^(?s:" + quoted + ")$").MatchString(text)
}

// readPolicy reads what twofold iam prints.
func readPolicy(text []byte) ([]statement, error) {
	var policy struct{ Statement []statement }
	if err := json.Unmarshal(text, &policy); err != nil {
		return nil, err
	}
	if len(policy.Statement) == 0 {
		return nil, fmt.Errorf("a policy without statements: %s", text)
	}
	return policy.Statement, nil
}

// refused are the rights that a policy does not give, of those that calls need.
func refused(policy []statement, calls []call, account string) []string {
	var list []string
	for _, c := range calls {
	needed:
		for _, r := range rightsOf(c, "eu-west-1", account) {
			for _, s := range policy {
				if s.allows(r) {
					continue needed
				}
			}
			list = append(list, fmt.Sprintf("%s on %q, for %s", r.action, r.resource, c))
		}
	}
	return list
}

// reads reports whether a call changes nothing.
func (c call) reads() bool {
	if c.method == http.MethodGet || c.method == http.MethodHead {
		return true
	}
	_, name, found := strings.Cut(c.target, ".")
	if !found {
		name = c.target
	}
	if at := strings.LastIndex(name, "/operation/"); at >= 0 {
		name = name[at+len("/operation/"):]
	}
	for _, begin := range []string{"Get", "List", "Describe", "Search"} {
		if strings.HasPrefix(name, begin) {
			return true
		}
	}
	return false
}
