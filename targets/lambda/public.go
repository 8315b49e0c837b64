package lambda

import (
	"context"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	awslambdaapi "github.com/aws/aws-sdk-go-v2/service/lambda"
)

// tagPublic is on a function that has an HTTP API or a place behind a load balancer,
// from before that is made until after it is gone: without it nobody looks for one.
const tagPublic = "twofold:public"

// mark tags the function with what requests come through.
func (s *session) mark(ctx context.Context, name, public string, o *observed) (bool, error) {
	had := ""
	if o.function != nil {
		had = o.function.tags[tagPublic]
	}
	if had == public {
		return false, nil
	}
	arn := s.functionARN(name)
	if public == "" {
		_, err := s.lambda.UntagResource(ctx, &awslambdaapi.UntagResourceInput{Resource: &arn, TagKeys: []string{tagPublic}})
		if err != nil {
			return true, problem("remove a tag of function", name, err)
		}
		return true, nil
	}
	_, err := s.lambda.TagResource(ctx, &awslambdaapi.TagResourceInput{Resource: &arn, Tags: map[string]string{tagPublic: public}})
	if err != nil {
		return true, problem("tag function", name, err)
	}
	return true, nil
}

func (s *session) functionARN(name string) string {
	arn := s.aliasARN(name)
	return arn[:len(arn)-len(":"+aliasName)]
}

// observePublic looks at what requests come through beside a function URL.
func (s *session) observePublic(ctx context.Context, o *observed, name string, tags map[string]string, public string) error {
	if o.function == nil {
		return nil
	}
	had := o.function.tags[tagPublic]
	var err error
	if had == publicAPI || public == publicAPI {
		if o.api == nil {
			o.api, err = s.observeAPI(ctx, name, tags)
		}
	}
	o.public = o.publicAttribute(s, name)
	return err
}

// makePublic lets requests in as it is wanted: the new way is made before the old one
// is removed. It reports whether it changed anything.
func (s *session) makePublic(ctx context.Context, w *wanted, o *observed) (bool, error) {
	changed := false
	did := func(now bool, err error) error {
		changed = changed || now
		return err
	}
	wantsMark := ""
	if w.public == publicAPI {
		wantsMark = publicAPI
		if err := did(s.mark(ctx, w.name, wantsMark, o)); err != nil {
			return changed, err
		}
		if err := did(s.makeAPI(ctx, w, o)); err != nil {
			return changed, err
		}
	}
	if err := did(s.makeURL(ctx, w, o)); err != nil {
		return changed, err
	}
	if w.public != publicAPI {
		if err := did(s.removeAPI(ctx, w.name, o)); err != nil {
			return changed, err
		}
	}
	if wantsMark == "" {
		return changed, did(s.mark(ctx, w.name, "", o))
	}
	return changed, nil
}

// removePublic takes away everything that requests come through.
func (s *session) removePublic(ctx context.Context, name string, o *observed) (bool, error) {
	url, err := s.removeURL(ctx, name, o)
	if err != nil {
		return url, err
	}
	api, err := s.removeAPI(ctx, name, o)
	return url || api, err
}

// publicAttribute is what a plan says of what requests come through.
func (w *wanted) publicAttribute() string {
	if w.public == publicURL && w.stream {
		return "url, streamed"
	}
	return w.public
}

// publicAttribute is the same of what is there.
func (o *observed) publicAttribute(s *session, name string) string {
	switch {
	case o.api != nil && (o.url != "" || o.granted()):
		return "an HTTP API and a function URL"
	case o.api != nil && o.api.whole(s.aliasARN(name)) && o.sources["twofold-api"] == s.apiSource(o.api.id):
		return publicAPI
	case o.api != nil || o.grants["twofold-api"]:
		return "an HTTP API that is not set up"
	case o.open() && o.streams:
		return "url, streamed"
	case o.open():
		return publicURL
	case o.url != "" || o.granted():
		return "a function URL that is not set up"
	}
	return ""
}

// grant lets a service of AWS call the alias on behalf of one source.
func (s *session) grant(ctx context.Context, name string, o *observed, statement, service, source string) (bool, error) {
	if o.grants[statement] && o.sources[statement] == source {
		return false, nil
	}
	if _, err := s.revoke(ctx, name, o, statement); err != nil {
		return true, err
	}
	_, err := s.lambda.AddPermission(ctx, &awslambdaapi.AddPermissionInput{
		FunctionName: &name, Qualifier: aws.String(aliasName), StatementId: &statement, Action: aws.String("lambda:InvokeFunction"),
		Principal: &service, SourceArn: &source,
	})
	if err != nil {
		return true, problem("let "+service+" call function", name, err)
	}
	return true, nil
}

// revoke reports whether there was such a statement.
func (s *session) revoke(ctx context.Context, name string, o *observed, statement string) (bool, error) {
	if !o.grants[statement] {
		return false, nil
	}
	_, err := s.lambda.RemovePermission(ctx, &awslambdaapi.RemovePermissionInput{FunctionName: &name, Qualifier: aws.String(aliasName), StatementId: &statement})
	if err != nil && !missing(err) {
		return false, problem("take back a right to call function", name, err)
	}
	return true, nil
}

// address is where requests go, or "".
func (o *observed) address() string {
	if o.url == "" && o.api != nil {
		return o.api.url()
	}
	return strings.TrimRight(o.url, "/")
}
