package lambda

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	awslambdaapi "github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	s3types "github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/twofoldhq/twofold/targets"
)

// notice is a notification of a bucket, as it is or as it should be. The list of events
// is sorted.
type notice struct{ events, prefix, suffix, function string }

func (n notice) text() string {
	return fmt.Sprintf("%s, %s*%s", n.events, n.prefix, n.suffix)
}

// noticeID is a notification's in its bucket. The adapter tells the triggers of a
// bucket apart by what stands behind the last slash.
func noticeID(function, trigger string) string { return "twofold/" + function + "/" + trigger }

// bucketGrant is the id of the statement that lets a bucket invoke the function. It
// holds the bucket's name, so that buckets are found that the manifest names no more:
// names of buckets have dots, which an id has not, and no underscores.
func bucketGrant(bucket string) string {
	return bucketGrants + strings.ReplaceAll(bucket, ".", "_")
}

const bucketGrants = "twofold-object-"

func grantedBuckets(grants map[string]bool) []string {
	var buckets []string
	for id := range grants {
		if name, ok := strings.CutPrefix(id, bucketGrants); ok {
			buckets = append(buckets, strings.ReplaceAll(name, "_", "."))
		}
	}
	slices.Sort(buckets)
	return buckets
}

// wantNotices returns the notifications of a deployment, by their ids, by buckets.
func (s *session) wantNotices(function string, triggers []targets.Trigger) map[string]map[string]notice {
	wanted := map[string]map[string]notice{}
	for _, t := range triggers {
		if t.Kind != targets.TriggerObject {
			continue
		}
		var events []string
		if t.Created {
			events = append(events, string(s3types.EventS3ObjectCreated))
		}
		if t.Removed {
			events = append(events, string(s3types.EventS3ObjectRemoved))
		}
		if wanted[t.Source] == nil {
			wanted[t.Source] = map[string]notice{}
		}
		wanted[t.Source][noticeID(function, t.Name)] = notice{strings.Join(events, " "), t.Prefix, t.Suffix, s.aliasARN(function)}
	}
	return wanted
}

// observeNotices returns a function's notifications in the buckets that are named. A
// bucket that is gone has none.
func (s *session) observeNotices(ctx context.Context, function string, buckets []string) (map[string]map[string]notice, error) {
	found := map[string]map[string]notice{}
	for _, bucket := range buckets {
		config, err := s.notifications(ctx, bucket)
		if err != nil {
			return nil, err
		}
		if config == nil {
			continue
		}
		for _, c := range config.LambdaFunctionConfigurations {
			if !ownNotice(function, c) {
				continue
			}
			if found[bucket] == nil {
				found[bucket] = map[string]notice{}
			}
			found[bucket][aws.ToString(c.Id)] = noticeOf(c)
		}
	}
	return found, nil
}

func ownNotice(function string, c s3types.LambdaFunctionConfiguration) bool {
	return strings.HasPrefix(aws.ToString(c.Id), noticeID(function, ""))
}

func noticeOf(c s3types.LambdaFunctionConfiguration) notice {
	n := notice{function: aws.ToString(c.LambdaFunctionArn)}
	var events []string
	for _, e := range c.Events {
		events = append(events, string(e))
	}
	slices.Sort(events)
	n.events = strings.Join(events, " ")
	if c.Filter != nil && c.Filter.Key != nil {
		for _, rule := range c.Filter.Key.FilterRules {
			switch strings.ToLower(string(rule.Name)) {
			case "prefix":
				n.prefix = aws.ToString(rule.Value)
			case "suffix":
				n.suffix = aws.ToString(rule.Value)
			}
		}
	}
	return n
}

// notifications returns nil for a bucket that does not exist.
func (s *session) notifications(ctx context.Context, bucket string) (*s3.GetBucketNotificationConfigurationOutput, error) {
	out, err := s.s3.GetBucketNotificationConfiguration(ctx, &s3.GetBucketNotificationConfigurationInput{Bucket: &bucket})
	if code(err) == "NoSuchBucket" {
		return nil, nil
	}
	if err != nil {
		return nil, problem("read the notifications of bucket", bucket, err)
	}
	return out, nil
}

// makeNotices makes the notifications what they should be. It reports whether it
// changed anything.
func (s *session) makeNotices(ctx context.Context, w *wanted, o *observed) (bool, error) {
	changed := false
	for _, bucket := range sortedNames(w.notices) {
		did, err := s.makeGrant(ctx, w.name, bucket, o)
		if changed = changed || did; err != nil {
			return changed, err
		}
		if equalNotices(o.notices[bucket], w.notices[bucket]) {
			continue
		}
		if err := s.putNotices(ctx, w.name, bucket, w.notices[bucket]); err != nil {
			return changed, err
		}
		changed = true
	}
	for _, bucket := range grantedBuckets(o.grants) {
		if len(w.notices[bucket]) > 0 {
			continue
		}
		if err := s.removeNotices(ctx, w.name, bucket); err != nil {
			return changed, err
		}
		changed = true
	}
	return changed, nil
}

func equalNotices(a, b map[string]notice) bool {
	if len(a) != len(b) {
		return false
	}
	for id, n := range a {
		if b[id] != n {
			return false
		}
	}
	return true
}

// makeGrant lets a bucket of this account invoke the function.
func (s *session) makeGrant(ctx context.Context, function, bucket string, o *observed) (bool, error) {
	if o.grants[bucketGrant(bucket)] {
		return false, nil
	}
	_, err := s.lambda.AddPermission(ctx, &awslambdaapi.AddPermissionInput{
		FunctionName: &function, Qualifier: aws.String(aliasName), StatementId: aws.String(bucketGrant(bucket)),
		Principal: aws.String("s3.amazonaws.com"), Action: aws.String("lambda:InvokeFunction"),
		SourceArn: aws.String(fmt.Sprintf("arn:%s:s3:::%s", s.partition, bucket)), SourceAccount: &s.account,
	})
	if err != nil {
		return false, problem("let bucket "+bucket+" invoke function", function, err)
	}
	return true, nil
}

// putNotices replaces a function's notifications in a bucket, and keeps all others: the
// configuration can only be written as a whole. S3 has no guard against two that write
// at once, so what was written is read again.
func (s *session) putNotices(ctx context.Context, function, bucket string, wanted map[string]notice) error {
	config, err := s.notifications(ctx, bucket)
	if err != nil {
		return err
	}
	if config == nil {
		if len(wanted) == 0 {
			return nil
		}
		return fmt.Errorf("there is no bucket %q: make it with \"aws s3 mb s3://%s --region %s\", or mend source", bucket, bucket, s.region)
	}
	others := slices.DeleteFunc(slices.Clone(config.LambdaFunctionConfigurations), func(c s3types.LambdaFunctionConfiguration) bool { return ownNotice(function, c) })
	all := others
	for _, id := range sortedNames(wanted) {
		all = append(all, configurationOf(id, wanted[id]))
	}
	_, err = s.s3.PutBucketNotificationConfiguration(ctx, &s3.PutBucketNotificationConfigurationInput{
		Bucket: &bucket,
		NotificationConfiguration: &s3types.NotificationConfiguration{
			EventBridgeConfiguration: config.EventBridgeConfiguration, QueueConfigurations: config.QueueConfigurations,
			TopicConfigurations: config.TopicConfigurations, LambdaFunctionConfigurations: all,
		},
	})
	if err != nil {
		return problem("write the notifications of bucket", bucket, err)
	}
	is, err := s.observeNotices(ctx, function, []string{bucket})
	if err == nil && !equalNotices(is[bucket], wanted) {
		err = fmt.Errorf("the notifications of bucket %q: %w", bucket, errMoved)
	}
	return err
}

func configurationOf(id string, n notice) s3types.LambdaFunctionConfiguration {
	c := s3types.LambdaFunctionConfiguration{Id: &id, LambdaFunctionArn: &n.function}
	for _, e := range strings.Fields(n.events) {
		c.Events = append(c.Events, s3types.Event(e))
	}
	var rules []s3types.FilterRule
	if n.prefix != "" {
		rules = append(rules, s3types.FilterRule{Name: s3types.FilterRuleNamePrefix, Value: &n.prefix})
	}
	if n.suffix != "" {
		rules = append(rules, s3types.FilterRule{Name: s3types.FilterRuleNameSuffix, Value: &n.suffix})
	}
	if len(rules) > 0 {
		c.Filter = &s3types.NotificationConfigurationFilter{Key: &s3types.S3KeyFilter{FilterRules: rules}}
	}
	return c
}

// removeNotices takes a function's notifications out of a bucket, and then the
// statement that names the bucket.
func (s *session) removeNotices(ctx context.Context, function, bucket string) error {
	is, err := s.observeNotices(ctx, function, []string{bucket})
	if err != nil {
		return err
	}
	if len(is[bucket]) > 0 {
		if err := s.putNotices(ctx, function, bucket, nil); err != nil {
			return err
		}
	}
	_, err = s.lambda.RemovePermission(ctx, &awslambdaapi.RemovePermissionInput{FunctionName: &function, Qualifier: aws.String(aliasName), StatementId: aws.String(bucketGrant(bucket))})
	if err != nil && !missing(err) {
		return problem("take the right to invoke it from bucket "+bucket+", of function", function, err)
	}
	return nil
}

// bucketsOf are the buckets where a deployment has notifications, or should have.
func bucketsOf(wanted map[string]map[string]notice, grants map[string]bool) []string {
	all := append(sortedNames(wanted), grantedBuckets(grants)...)
	slices.SortFunc(all, cmp.Compare)
	return slices.Compact(all)
}
