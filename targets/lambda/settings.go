package lambda

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/twofoldhq/twofold/build"
	"github.com/twofoldhq/twofold/manifest/schema"
	"github.com/twofoldhq/twofold/release"
)

func settingsBlock() schema.Block {
	return schema.Block{
		Label: name,
		Doc:   "AWS Lambda: each service as a function.",
		Attributes: append([]schema.Attribute{
			{Name: "region", Type: schema.String, Default: "that of the AWS configuration", Doc: "The AWS region.", Example: `"eu-west-1"`},
			{Name: "profile", Type: schema.String, Default: "that of the AWS configuration", Doc: "The profile of the AWS configuration whose credentials are used.", Example: `"shop-prod"`},
			{Name: "architecture", Type: schema.String, Default: "the first of the build's platforms", Doc: "What the functions run on.", Example: `"arm64"`, Choices: []string{"x86_64", "arm64"}},
			{Name: "form", Type: schema.String, Default: `"bundle"`, Doc: "Which form the functions run. Without it, a service whose builder makes no bundle runs as an image.", Example: `"image"`, Choices: []string{"bundle", "image"}},
			{Name: "bucket", Type: schema.String, Default: "twofold-ACCOUNT-REGION, which is made when it is needed", Doc: "The S3 bucket that bundles above 50 MiB go through.", Example: `"shop-deploys"`},
			{Name: "public", Type: schema.String, Default: `"url"`, Doc: "What requests come through: a function URL, an HTTP API of API Gateway, a rule of a load balancer, or nothing.", Example: `"api"`, Choices: []string{"url", "api", "alb", "none"}},
			{Name: "response", Type: schema.String, Default: `"buffered"`, Doc: "How a function URL hands over an answer: when it is whole, or while the app makes it.", Example: `"stream"`, Choices: []string{"buffered", "stream"}},
			{Name: "role", Type: schema.String, Default: "a role with exactly the rights that the manifest implies", Doc: "The ARN of the role that the functions run under.", Example: `"arn:aws:iam::123456789012:role/shop"`},
			{Name: "subnets", Type: schema.Strings, Default: "none: the functions are in no VPC", Doc: "The subnets of the VPC that the functions reach. Needs security_groups.", Example: `["subnet-0a1b2c3d"]`},
			{Name: "security_groups", Type: schema.Strings, Default: "none", Doc: "The security groups of the functions in the VPC. Needs subnets.", Example: `["sg-0a1b2c3d"]`},
			{Name: "volumes", Type: schema.StringMap, Default: "none", Doc: "For each volume of a service, the ARN of the access point that is mounted, of EFS or of S3 Files. Needs subnets.", Example: `{ data = "arn:aws:elasticfilesystem:eu-west-1:123456789012:access-point/fsap-0123456789abcdef0" }`},
			{Name: "tmp", Type: schema.String, Default: `"512Mi"`, Doc: "The size of /tmp: 512Mi to 10Gi.", Example: `"2Gi"`},
			{Name: "layers", Type: schema.Strings, Default: "none", Doc: "The ARNs of layer versions that are laid under the bundles, 5 at most. Images take none.", Example: `["arn:aws:lambda:eu-west-1:123456789012:layer:fonts:3"]`},
			{Name: "log_format", Type: schema.String, Default: `"text"`, Doc: "The form of the lines that Lambda itself logs, and in which it hands over the app's.", Example: `"json"`, Choices: []string{"text", "json"}},
			{Name: "tracing", Type: schema.String, Default: "none", Doc: "xray: AWS X-Ray records the invocations. opentelemetry: the app finds its name, release and environment in the variables of OpenTelemetry, and each request has a traceparent.", Example: `"opentelemetry"`, Choices: []string{"xray", "opentelemetry"}},
			{Name: "secrets_refresh", Type: schema.String, Default: `"5m"`, Doc: "How often a function looks whether its secrets have new values; the app is started again with them. \"0\" is never.", Example: `"15m"`},
			{Name: "log_retention_days", Type: schema.Int, Default: "forever", Doc: "How long CloudWatch Logs keeps what the functions log.", Example: "30"},
			{Name: "keep_releases", Type: schema.Int, Default: "10", Doc: "How many releases stay on Lambda beside the one that serves, to go back to: 1 to 20.", Example: "5"},
		}, hostAttributes()...),
	}
}

var (
	regionPattern  = regexp.MustCompile(`^[a-z]{2,4}(-[a-z]+)+-[0-9]$`)
	rolePattern    = regexp.MustCompile(`^arn:aws[a-z-]*:iam::[0-9]{12}:role/.+$`)
	accessPattern  = regexp.MustCompile(`^arn:aws[a-zA-Z-]*:(elasticfilesystem:[a-z0-9-]+:[0-9]{12}:access-point/fsap-[a-f0-9]{17}|s3files:[a-z0-9-]+:[0-9]{12}:file-system/fs-[0-9a-f]{17,40}/access-point/fsap-[0-9a-f]{17,40})$`)
	subnetPattern  = regexp.MustCompile(`^subnet-[0-9a-z]+$`)
	groupPattern   = regexp.MustCompile(`^sg-[0-9a-zA-Z]+$`)
	retentionTimes = []int64{1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653}
)

// read returns the settings, or a *schema.Error.
func read(v schema.Values) (settings, error) {
	s := settings{
		public: v.String("public"), subnets: v.Strings("subnets"), groups: v.Strings("security_groups"), volumes: v.StringMap("volumes"),
		region: v.String("region"), profile: v.String("profile"), role: v.String("role"), retention: int32(v.Int("log_retention_days")),
	}
	if s.stream = v.String("response") == "stream"; s.stream && s.public != "" && s.public != publicURL {
		return s, wrong("response", "only a function URL streams answers", "Write public = \"url\", or remove response.")
	}
	if s.bucket = v.String("bucket"); v.Has("bucket") && !bucketPattern.MatchString(s.bucket) {
		return s, wrong("bucket", fmt.Sprintf("%q is not the name of a bucket", s.bucket), "Write 3 to 63 small letters, digits, dots and hyphens.")
	}
	s.keep = keepDefault
	if v.Has("keep_releases") {
		if n := v.Int("keep_releases"); n < 1 || n > keepMost {
			return s, wrong("keep_releases", fmt.Sprintf("%d is no number of releases to keep", n), fmt.Sprintf("Write a number from 1 to %d.", keepMost))
		}
		s.keep = int(v.Int("keep_releases"))
	}
	for _, a := range settingsBlock().Attributes {
		if len(a.Choices) > 0 && v.Has(a.Name) && !slices.Contains(a.Choices, v.String(a.Name)) {
			return s, wrong(a.Name, fmt.Sprintf("%q is not one of the choices", v.String(a.Name)), "Write one of "+strings.Join(a.Choices, ", ")+".")
		}
	}
	switch v.String("form") {
	case "image":
		s.forms = []release.Kind{release.Image}
	case "bundle":
		s.forms = []release.Kind{release.Bundle}
	default:
		s.forms = []release.Kind{release.Bundle, release.Image}
	}
	switch v.String("architecture") {
	case "arm64":
		s.platforms = []build.Platform{{OS: "linux", Arch: "arm64"}}
	case "x86_64":
		s.platforms = []build.Platform{{OS: "linux", Arch: "amd64"}}
	default:
		s.platforms = []build.Platform{{OS: "linux", Arch: "amd64"}, {OS: "linux", Arch: "arm64"}}
	}
	if err := readAccount(v); err != nil {
		return s, err
	}
	if err := readHost(&s, v); err != nil {
		return s, err
	}
	var err error
	if s.refresh, err = readRefresh(v.String("secrets_refresh")); err != nil {
		return s, err
	}
	if err := readInstance(&s, v); err != nil {
		return s, err
	}
	return s, readNetwork(v)
}

func readAccount(v schema.Values) error {
	if v.Has("region") && !regionPattern.MatchString(v.String("region")) {
		return wrong("region", fmt.Sprintf("%q is not the code of a region", v.String("region")), "Write one such as \"eu-west-1\"; aws account list-regions prints them.")
	}
	if v.Has("role") && !rolePattern.MatchString(v.String("role")) {
		return wrong("role", fmt.Sprintf("%q is not the ARN of a role", v.String("role")), "Write it in full, such as \"arn:aws:iam::123456789012:role/shop\".")
	}
	if days := v.Int("log_retention_days"); v.Has("log_retention_days") && !slices.Contains(retentionTimes, days) {
		nearest := retentionTimes[len(retentionTimes)-1]
		for _, d := range retentionTimes {
			if d >= days {
				nearest = d
				break
			}
		}
		return wrong("log_retention_days", fmt.Sprintf("CloudWatch Logs does not keep logs for %d days", days), fmt.Sprintf("Write log_retention_days = %d. There are: %s.", nearest, numbers(retentionTimes)))
	}
	return nil
}

func readNetwork(v schema.Values) error {
	subnets, groups := v.Strings("subnets"), v.Strings("security_groups")
	for _, id := range subnets {
		if !subnetPattern.MatchString(id) {
			return wrong("subnets", fmt.Sprintf("%q is not the id of a subnet", id), "Write ids such as \"subnet-0a1b2c3d\".")
		}
	}
	for _, id := range groups {
		if !groupPattern.MatchString(id) {
			return wrong("security_groups", fmt.Sprintf("%q is not the id of a security group", id), "Write ids such as \"sg-0a1b2c3d\".")
		}
	}
	switch {
	case len(subnets) > 0 && len(groups) == 0:
		return wrong("subnets", "subnets without security_groups", "Write security_groups as well; a function in a VPC has at least one.")
	case len(groups) > 0 && len(subnets) == 0:
		return wrong("security_groups", "security_groups without subnets", "Write subnets as well, the ones of the VPC that the functions reach.")
	}
	volumes := v.StringMap("volumes")
	for _, volume := range sorted(volumes) {
		if !accessPattern.MatchString(volumes[volume]) {
			return wrong("volumes", fmt.Sprintf("%q is not the ARN of an access point of EFS or S3 Files", volumes[volume]), fmt.Sprintf("Write %s = \"arn:aws:elasticfilesystem:REGION:ACCOUNT:access-point/fsap-...\"; aws efs describe-access-points and aws s3files list-access-points print the ARNs.", volume))
		}
	}
	if len(volumes) > 0 && len(subnets) == 0 {
		return wrong("volumes", "volumes without subnets", "Write subnets and security_groups as well: file systems are reached through a VPC.")
	}
	return nil
}

func wrong(attribute, summary, detail string) error {
	return &schema.Error{Attribute: attribute, Summary: summary, Detail: detail}
}

func sorted(m map[string]string) []string {
	names := make([]string, 0, len(m))
	for name := range m {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

func numbers(list []int64) string {
	var words []string
	for _, n := range list {
		words = append(words, strconv.FormatInt(n, 10))
	}
	return strings.Join(words, ", ")
}
