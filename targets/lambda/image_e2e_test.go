//go:build e2e

package lambda

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/google/go-containerregistry/pkg/registry"

	"github.com/twofoldhq/twofold/manifest/schema"
	"github.com/twofoldhq/twofold/release"
	"github.com/twofoldhq/twofold/targets"
)

// elsewhere sends the requests to ECR's registry, which moto does not have, to one of
// the test.
type elsewhere struct {
	to     *url.URL
	logins map[string]bool
}

func (e elsewhere) RoundTrip(r *http.Request) (*http.Response, error) {
	if user, password, ok := r.BasicAuth(); ok {
		e.logins[user+":"+password] = true
	}
	there := r.Clone(r.Context())
	there.URL.Scheme, there.URL.Host = e.to.Scheme, e.to.Host
	return http.DefaultTransport.RoundTrip(there)
}

// withRegistry is a target of images.
func withRegistry(t *testing.T) (*Target, elsewhere, *httptest.Server) {
	t.Helper()
	server := httptest.NewServer(registry.New(registry.Logger(log.New(io.Discard, "", 0))))
	t.Cleanup(server.Close)
	to, err := url.Parse(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	transport := elsewhere{to, map[string]bool{}}
	target := quick(t, schema.Values{"form": "image"})
	target.pace.registry = transport
	return target, transport, server
}

func TestImagesGoThroughARepositoryOfTheFunction(t *testing.T) {
	motoCloud.set(nil, healthyApp)
	target, transport, server := withRegistry(t)
	d := deploymentOf(environmentOf(t, 1))
	d.Release = releases.One
	st := deployedTwice(t, target, d)
	if st.Form != release.Image {
		t.Errorf("the form is %q", st.Form)
	}
	if len(transport.logins) == 0 {
		t.Error("the registry was not logged in to")
	}
	name := repositoryName(functionName(d.Key))
	resp, err := http.Get(server.URL + "/v2/" + name + "/tags/list")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var list struct{ Tags []string }
	if err := json.NewDecoder(resp.Body).Decode(&list); err != nil || len(list.Tags) != 1 {
		t.Errorf("the repository has %v, %v", list.Tags, err)
	}
	created := callOf(t, "POST", "/2015-03-31/functions")
	var sent struct {
		PackageType      string
		Runtime, Handler *string
		Code             struct{ ImageUri string }
	}
	if err := json.Unmarshal(created, &sent); err != nil {
		t.Fatal(err)
	}
	if sent.PackageType != "Image" || sent.Runtime != nil || sent.Handler != nil || !strings.Contains(sent.Code.ImageUri, name+"@sha256:") {
		t.Errorf("the function is made with %s", created)
	}

	one := d
	d.Release = releases.Two
	if st := deployedTwice(t, target, d); st.Release != releases.Two.Digest {
		t.Errorf("the next release comes to %+v", st)
	}
	if st, err := target.rollback(t.Context(), targets.RollbackRequest{Key: d.Key}); err != nil || st.Release != one.Release.Digest {
		t.Errorf("rollback: %+v, %v", st, err)
	}
	bundle := quick(t, schema.Values{"form": "bundle"})
	if _, err := bundle.Deploy(t.Context(), d); err == nil || !strings.Contains(err.Error(), "twofold destroy api") {
		t.Errorf("a bundle in the place of an image: %v", err)
	}
	if existed, err := target.Destroy(t.Context(), d.Key); err != nil || !existed {
		t.Fatalf("destroy: %v, %v", existed, err)
	}
	s, err := target.open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.ecr.DescribeRepositories(t.Context(), &ecr.DescribeRepositoriesInput{RepositoryNames: []string{name}}); code(err) != "RepositoryNotFoundException" {
		t.Errorf("the repository is left: %v", err)
	}
}

func TestImagesThatNothingRunsAreDeleted(t *testing.T) {
	target := quick(t, nil)
	s, err := target.open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	d := deploymentOf(environmentOf(t, 1))
	w := &wanted{key: d.Key, name: functionName(d.Key), tags: ownTags(d.Key)}
	if _, err := s.makeRepository(t.Context(), w); err != nil {
		t.Fatal(err)
	}
	name := repositoryName(w.name)
	var digests []string
	for _, tag := range []string{"one", "two"} {
		manifest := strings.Replace(`{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","config":{"mediaType":"application/vnd.oci.image.config.v1+json","digest":"sha256:TAG","size":2},"layers":[]}`, "TAG", strings.Repeat(tag[:1], 64), 1)
		out, err := s.ecr.PutImage(t.Context(), &ecr.PutImageInput{RepositoryName: &name, ImageManifest: &manifest, ImageTag: &tag, ImageDigest: aws.String(digestOf(manifest))})
		if err != nil {
			t.Fatal(err)
		}
		digests = append(digests, aws.ToString(out.Image.ImageId.ImageDigest))
	}
	if err := s.pruneImages(t.Context(), w.name, map[string]bool{digests[1]: true}); err != nil {
		t.Fatal(err)
	}
	out, err := s.ecr.ListImages(t.Context(), &ecr.ListImagesInput{RepositoryName: &name})
	if err != nil || len(out.ImageIds) != 1 || aws.ToString(out.ImageIds[0].ImageDigest) != digests[1] {
		for _, id := range out.ImageIds {
			t.Logf("%s %s", aws.ToString(id.ImageTag), aws.ToString(id.ImageDigest))
		}
		t.Errorf("there are %d images, want %s of %q: %v", len(out.ImageIds), digests[1], digests, err)
	}
	if existed, err := s.removeRepository(t.Context(), d.Key); err != nil || !existed {
		t.Errorf("remove the repository: %v, %v", existed, err)
	}
}

func TestLargeBundlesGoThroughABucket(t *testing.T) {
	motoCloud.set(nil, healthyApp)
	target := quick(t, nil)
	s, err := target.open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	d := deploymentOf(environmentOf(t, 1))
	w, err := target.want(t.Context(), s, d)
	if err != nil {
		t.Fatal(err)
	}
	code, done, err := target.upload(t.Context(), s, w)
	if err != nil {
		t.Fatal(err)
	}
	zip, err := w.zip(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	object, err := s.s3.GetObject(t.Context(), &s3.GetObjectInput{Bucket: code.S3Bucket, Key: code.S3Key})
	if err != nil {
		t.Fatal(err)
	}
	content, err := io.ReadAll(object.Body)
	object.Body.Close()
	if err != nil || !bytes.Equal(content, zip) {
		t.Errorf("the bucket has %d bytes (%v), and the bundle %d", len(content), err, len(zip))
	}
	closed, err := s.s3.GetPublicAccessBlock(t.Context(), &s3.GetPublicAccessBlockInput{Bucket: code.S3Bucket})
	if err != nil || !aws.ToBool(closed.PublicAccessBlockConfiguration.RestrictPublicBuckets) {
		t.Errorf("the bucket is open to the public: %v", err)
	}
	done()
	if _, err := s.s3.HeadObject(t.Context(), &s3.HeadObjectInput{Bucket: code.S3Bucket, Key: code.S3Key}); statusOf(err) != http.StatusNotFound {
		t.Errorf("the bundle stays in the bucket: %v", err)
	}
	named := quick(t, schema.Values{"bucket": "no-such-bucket-of-ours"})
	if _, _, err := named.upload(t.Context(), s, w); err == nil || !strings.Contains(err.Error(), "aws s3 mb s3://no-such-bucket-of-ours") {
		t.Errorf("a bucket that is not there: %v", err)
	}
}

func digestOf(text string) string { return fmt.Sprintf("sha256:%x", sha256.Sum256([]byte(text))) }

// callOf is the body of the first call of a kind since the cloud was set.
func callOf(t *testing.T, method, path string) []byte {
	t.Helper()
	for _, c := range motoCloud.made() {
		if c.method == method && strings.HasSuffix(strings.TrimSuffix(c.path, "/"), path) {
			return c.body
		}
	}
	t.Fatalf("no call of %s %s", method, path)
	return nil
}
