package lambda

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"regexp"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	s3types "github.com/aws/aws-sdk-go-v2/service/s3/types"
)

// bucketPattern is what S3 takes. Source: bucketPage.
var bucketPattern = regexp.MustCompile(`^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$`)

// uploadBucket is what large bundles go through: that of the target block, or one of
// twofold's in the account and region.
func (s *session) uploadBucket(named string) string {
	if named != "" {
		return named
	}
	return fmt.Sprintf("twofold-%s-%s", s.account, s.region)
}

// upload hands a bundle to S3, from where Lambda takes it, and returns what removes it
// there again. The account is named in each call, so that a bucket of that name which
// somebody else owns gets nothing.
func (t *Target) upload(ctx context.Context, s *session, w *wanted) (code *types.FunctionCode, done func(), err error) {
	bucket := s.uploadBucket(t.settings.bucket)
	if err := s.makeBucket(ctx, bucket, t.settings.bucket == ""); err != nil {
		return nil, nil, err
	}
	zip, err := w.zip(ctx)
	if err != nil {
		return nil, nil, err
	}
	key := w.name + "/" + w.form.Digest + ".zip"
	_, err = s.s3.PutObject(ctx, &s3.PutObjectInput{
		Bucket: &bucket, Key: &key, Body: bytes.NewReader(zip), ExpectedBucketOwner: &s.account,
		ChecksumAlgorithm: s3types.ChecksumAlgorithmSha256,
	})
	if err != nil {
		return nil, nil, problem("write the bundle into bucket", bucket, err)
	}
	return &types.FunctionCode{S3Bucket: &bucket, S3Key: &key}, func() {
		// What stays is removed by the bucket's own rule.
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), cleanupTimeout)
		defer cancel()
		_, _ = s.s3.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: &bucket, Key: &key, ExpectedBucketOwner: &s.account})
	}, nil
}

// makeBucket makes sure that a bucket of the account is there. One that the user named
// is never made.
func (s *session) makeBucket(ctx context.Context, bucket string, ours bool) error {
	_, err := s.s3.HeadBucket(ctx, &s3.HeadBucketInput{Bucket: &bucket, ExpectedBucketOwner: &s.account})
	switch status := statusOf(err); {
	case err == nil:
		return nil
	case status == http.StatusForbidden:
		return fmt.Errorf("bucket %q is somebody else's, or may not be read: write bucket = \"NAME\" in the target block, with one of yours in %s: %w", bucket, s.region, err)
	case status != http.StatusNotFound:
		return problem("read bucket", bucket, err)
	case !ours:
		return fmt.Errorf("there is no bucket %q: make it with aws s3 mb s3://%s --region %s", bucket, bucket, s.region)
	}
	in := &s3.CreateBucketInput{Bucket: &bucket}
	if s.region != "us-east-1" {
		in.CreateBucketConfiguration = &s3types.CreateBucketConfiguration{LocationConstraint: s3types.BucketLocationConstraint(s.region)}
	}
	if _, err := s.s3.CreateBucket(ctx, in); err != nil && code(err) != "BucketAlreadyOwnedByYou" {
		return problem("create bucket", bucket, err)
	}
	_, err = s.s3.PutPublicAccessBlock(ctx, &s3.PutPublicAccessBlockInput{Bucket: &bucket, ExpectedBucketOwner: &s.account, PublicAccessBlockConfiguration: &s3types.PublicAccessBlockConfiguration{
		BlockPublicAcls: aws.Bool(true), BlockPublicPolicy: aws.Bool(true), IgnorePublicAcls: aws.Bool(true), RestrictPublicBuckets: aws.Bool(true),
	}})
	if err != nil {
		return problem("close to the public bucket", bucket, err)
	}
	_, err = s.s3.PutBucketLifecycleConfiguration(ctx, &s3.PutBucketLifecycleConfigurationInput{Bucket: &bucket, ExpectedBucketOwner: &s.account, LifecycleConfiguration: &s3types.BucketLifecycleConfiguration{
		Rules: []s3types.LifecycleRule{{
			ID: aws.String("twofold"), Status: s3types.ExpirationStatusEnabled, Filter: &s3types.LifecycleRuleFilter{Prefix: aws.String("")},
			Expiration: &s3types.LifecycleExpiration{Days: aws.Int32(1)},
		}},
	}})
	if err != nil {
		return problem("write the rule that empties bucket", bucket, err)
	}
	return nil
}

// statusOf is the status of AWS' answer, or 0: an answer to HEAD has no words.
func statusOf(err error) int {
	var answer *awshttp.ResponseError
	if errors.As(err, &answer) {
		return answer.HTTPStatusCode()
	}
	return 0
}
