package lambda

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	ecrtypes "github.com/aws/aws-sdk-go-v2/service/ecr/types"
	"github.com/google/go-containerregistry/pkg/authn"
	imagename "github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"

	"github.com/twofoldhq/twofold/release"
	"github.com/twofoldhq/twofold/targets"
)

// wantedImage is the image that a function runs: the release's, with one layer more
// that holds the adapter.
type wantedImage struct {
	image  v1.Image
	digest string
}

// wantImage makes the image. Nothing is sent.
func wantImage(ctx context.Context, d targets.Deployment, form release.Form) (*wantedImage, error) {
	image, err := d.Release.FunctionImage(ctx, form, len(d.Secrets) > 0)
	if err != nil {
		return nil, err
	}
	digest, err := image.Digest()
	if err != nil {
		return nil, err
	}
	return &wantedImage{image: image, digest: digest.String()}, nil
}

// repositoryName is the function's, as ECR takes names: with small letters.
func repositoryName(function string) string { return strings.ToLower(function) }

// repository is one of ECR.
type repository struct {
	name, uri, arn string
	tags           map[string]string
}

// observeRepository returns nil for one that does not exist.
func (s *session) observeRepository(ctx context.Context, function string) (*repository, error) {
	name := repositoryName(function)
	out, err := s.ecr.DescribeRepositories(ctx, &ecr.DescribeRepositoriesInput{RepositoryNames: []string{name}})
	if code(err) == "RepositoryNotFoundException" {
		return nil, nil
	}
	if err != nil {
		return nil, problem("read repository", name, err)
	}
	if len(out.Repositories) == 0 {
		return nil, nil
	}
	r := &repository{name: name, uri: aws.ToString(out.Repositories[0].RepositoryUri), arn: aws.ToString(out.Repositories[0].RepositoryArn), tags: map[string]string{}}
	tags, err := s.ecr.ListTagsForResource(ctx, &ecr.ListTagsForResourceInput{ResourceArn: &r.arn})
	if err != nil {
		return nil, problem("read the tags of repository", name, err)
	}
	for _, tag := range tags.Tags {
		r.tags[aws.ToString(tag.Key)] = aws.ToString(tag.Value)
	}
	return r, nil
}

// makeRepository makes the repository of a function, from which Lambda may read.
func (s *session) makeRepository(ctx context.Context, w *wanted) (*repository, error) {
	r, err := s.observeRepository(ctx, w.name)
	if err != nil {
		return nil, err
	}
	if r != nil && !covers(r.tags, w.tags) {
		return nil, fmt.Errorf("there is a repository %q that is not this deployment's: delete it, or rename the service", r.name)
	}
	if r == nil {
		name := repositoryName(w.name)
		out, err := s.ecr.CreateRepository(ctx, &ecr.CreateRepositoryInput{
			RepositoryName: &name, Tags: repositoryTags(w.tags), ImageTagMutability: ecrtypes.ImageTagMutabilityImmutable,
		})
		if err != nil {
			return nil, problem("create repository", name, err)
		}
		r = &repository{name: name, uri: aws.ToString(out.Repository.RepositoryUri), arn: aws.ToString(out.Repository.RepositoryArn), tags: w.tags}
	}
	return r, s.letLambdaRead(ctx, w, r)
}

// letLambdaRead writes the policy that Lambda asks for. Source: "Amazon ECR
// permissions" in the Lambda developer guide, "Create a Lambda function using a
// container image".
func (s *session) letLambdaRead(ctx context.Context, w *wanted, r *repository) error {
	function := fmt.Sprintf("arn:%s:lambda:%s:%s:function:%s", s.partition, s.region, s.account, w.name)
	policy := document(statement{
		Sid: "LambdaECRImageRetrievalPolicy", Effect: "Allow", Principal: map[string]string{"Service": "lambda.amazonaws.com"},
		Action:    []string{"ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"},
		Condition: map[string]map[string][]string{"StringLike": {"aws:sourceArn": {function, function + ":*"}}},
	})
	out, err := s.ecr.GetRepositoryPolicy(ctx, &ecr.GetRepositoryPolicyInput{RepositoryName: &r.name})
	if err != nil && code(err) != "RepositoryPolicyNotFoundException" {
		return problem("read the policy of repository", r.name, err)
	}
	if err == nil && sameDocument(aws.ToString(out.PolicyText), policy) {
		return nil
	}
	if _, err := s.ecr.SetRepositoryPolicy(ctx, &ecr.SetRepositoryPolicyInput{RepositoryName: &r.name, PolicyText: &policy}); err != nil {
		return problem("write the policy of repository", r.name, err)
	}
	return nil
}

func repositoryTags(tags map[string]string) []ecrtypes.Tag {
	var list []ecrtypes.Tag
	for _, name := range sorted(tags) {
		list = append(list, ecrtypes.Tag{Key: aws.String(name), Value: aws.String(tags[name])})
	}
	return list
}

// push makes the repository hold the image, and returns what a function is told to
// run. Layers that are there are not sent again.
func (t *Target) push(ctx context.Context, s *session, w *wanted) (uri string, err error) {
	r, err := s.makeRepository(ctx, w)
	if err != nil {
		return "", err
	}
	auth, err := s.registryLogin(ctx)
	if err != nil {
		return "", err
	}
	options := []remote.Option{remote.WithContext(ctx), remote.WithAuth(auth), remote.WithUserAgent("twofold")}
	if t.pace.registry != nil {
		options = append(options, remote.WithTransport(t.pace.registry))
	}
	uri = r.uri + "@" + w.image.digest
	ref, err := imagename.ParseReference(uri)
	if err != nil {
		return "", fmt.Errorf("repository %q has the address %q: %w", r.name, r.uri, err)
	}
	if _, err := remote.Head(ref, options...); err == nil {
		return uri, nil
	} else if !notThere(err) {
		return "", fmt.Errorf("look for the image in repository %q: %w", r.name, err)
	}
	tag := ref.Context().Tag(strings.TrimPrefix(w.image.digest, "sha256:")[:16])
	if err := remote.Write(tag, w.image.image, options...); err != nil {
		return "", fmt.Errorf("push the image to repository %q: %w", r.name, err)
	}
	return uri, nil
}

func notThere(err error) bool {
	var answer *transport.Error
	return errors.As(err, &answer) && answer.StatusCode == http.StatusNotFound
}

// registryLogin is what ECR takes for twelve hours.
func (s *session) registryLogin(ctx context.Context) (authn.Authenticator, error) {
	out, err := s.ecr.GetAuthorizationToken(ctx, nil)
	if err != nil {
		return nil, problem("log in to ECR", "", err)
	}
	if len(out.AuthorizationData) == 0 {
		return nil, errors.New("ECR gives no login")
	}
	text, err := base64.StdEncoding.DecodeString(aws.ToString(out.AuthorizationData[0].AuthorizationToken))
	if err != nil {
		return nil, errors.New("ECR gives a login that is none")
	}
	user, password, _ := strings.Cut(string(text), ":")
	return &authn.Basic{Username: user, Password: password}, nil
}

// imageOf is the digest in the address of an image, or "".
func imageOf(uri string) string {
	_, digest, _ := strings.Cut(uri, "@")
	return digest
}

// pruneImages removes the images that no version of a function runs.
func (s *session) pruneImages(ctx context.Context, function string, used map[string]bool) error {
	name := repositoryName(function)
	var surplus []ecrtypes.ImageIdentifier
	seen := map[string]bool{}
	pages := ecr.NewListImagesPaginator(s.ecr, &ecr.ListImagesInput{RepositoryName: &name})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if code(err) == "RepositoryNotFoundException" {
			return nil
		}
		if err != nil {
			return problem("list the images of repository", name, err)
		}
		for _, id := range page.ImageIds {
			if digest := aws.ToString(id.ImageDigest); digest != "" && !used[digest] && !seen[digest] {
				seen[digest] = true
				surplus = append(surplus, ecrtypes.ImageIdentifier{ImageDigest: id.ImageDigest})
			}
		}
	}
	const most = 100 // a call
	for len(surplus) > 0 {
		n := min(len(surplus), most)
		out, err := s.ecr.BatchDeleteImage(ctx, &ecr.BatchDeleteImageInput{RepositoryName: &name, ImageIds: surplus[:n]})
		if err != nil {
			return problem("delete images of repository", name, err)
		}
		for _, f := range out.Failures {
			if f.FailureCode != ecrtypes.ImageFailureCodeImageNotFound {
				return fmt.Errorf("delete an image of repository %q: %s", name, aws.ToString(f.FailureReason))
			}
		}
		surplus = surplus[n:]
	}
	return nil
}

// removeRepository removes the repository with its images. It reports whether there
// was one.
func (s *session) removeRepository(ctx context.Context, k targets.Key) (bool, error) {
	r, err := s.observeRepository(ctx, functionName(k))
	if r == nil || err != nil || !covers(r.tags, ownTags(k)) {
		return false, err
	}
	_, err = s.ecr.DeleteRepository(ctx, &ecr.DeleteRepositoryInput{RepositoryName: &r.name, Force: true})
	if err != nil && code(err) != "RepositoryNotFoundException" {
		return true, problem("delete repository", r.name, err)
	}
	return true, nil
}
