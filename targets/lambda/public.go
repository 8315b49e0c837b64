package lambda

import (
	"context"
	"maps"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	awslambdaapi "github.com/aws/aws-sdk-go-v2/service/lambda"

	"github.com/twofoldhq/twofold/targets"
)

// tagPublic is on a function that has an HTTP API or a place behind a load balancer,
// from before that is made until after it is gone: without it nobody looks for one.
const tagPublic = "twofold:public"

// mark gives the function tags, by pairs of names and values, where it does not have them.
// What is marked is looked for and removed, also by a deploy that knows nothing else of it.
func (s *session) mark(ctx context.Context, name string, o *observed, pairs ...string) (bool, error) {
	tags := map[string]string{}
	for n := 0; n+1 < len(pairs); n += 2 {
		if o.marks[pairs[n]] != pairs[n+1] {
			tags[pairs[n]] = pairs[n+1]
		}
	}
	if len(tags) == 0 {
		return false, nil
	}
	arn := s.functionARN(name)
	if _, err := s.lambda.TagResource(ctx, &awslambdaapi.TagResourceInput{Resource: &arn, Tags: tags}); err != nil {
		return true, problem("tag function", name, err)
	}
	if o.marks == nil {
		o.marks = map[string]string{}
	}
	maps.Copy(o.marks, tags)
	return true, nil
}

// unmark takes tags from the function that it has.
func (s *session) unmark(ctx context.Context, name string, o *observed, names ...string) (bool, error) {
	names = slices.DeleteFunc(names, func(one string) bool { return o.marks[one] == "" })
	if len(names) == 0 {
		return false, nil
	}
	arn := s.functionARN(name)
	if _, err := s.lambda.UntagResource(ctx, &awslambdaapi.UntagResourceInput{Resource: &arn, TagKeys: names}); err != nil {
		return true, problem("remove a tag of function", name, err)
	}
	for _, one := range names {
		delete(o.marks, one)
	}
	return true, nil
}

func (s *session) functionARN(name string) string {
	arn := s.aliasARN(name)
	return arn[:len(arn)-len(":"+aliasName)]
}

// observePublic looks at what requests come through beside a function URL, and at the
// instances that are kept ready, as far as the function's marks say that there is
// something.
func (s *session) observePublic(ctx context.Context, o *observed, k targets.Key) error {
	if o.function == nil {
		return nil
	}
	name, tags := functionName(k), ownTags(k)
	o.marks = map[string]string{}
	for _, mark := range []string{tagPublic, tagDomain, tagListener, tagHost, tagReady} {
		if value := o.function.tags[mark]; value != "" {
			o.marks[mark] = value
		}
	}
	var err error
	if o.marks[tagReady] != "" {
		if o.ready, err = s.observeReady(ctx, name); err != nil {
			return err
		}
	}
	if o.marks[tagPublic] == publicAPI {
		if o.api, err = s.observeAPI(ctx, name, tags); err != nil {
			return err
		}
	}
	if host := o.marks[tagDomain]; host != "" {
		if o.domain, err = s.observeDomain(ctx, host, ""); err != nil {
			return err
		}
	}
	if listener := o.marks[tagListener]; listener != "" {
		if o.balancer, err = s.observeBalancer(ctx, name, tags, listener); err != nil {
			return err
		}
	}
	o.public = o.publicAttribute(s, name)
	return nil
}

// observeWantedPublic looks at what the marks do not speak of, and a deployment wants: an
// API that a deploy has made without getting further, and records.
func (s *session) observeWantedPublic(ctx context.Context, o *observed, w *wanted) error {
	if o.function == nil {
		return nil
	}
	var err error
	if w.public == publicAPI && o.api == nil {
		if o.api, err = s.observeAPI(ctx, w.name, w.tags); err != nil {
			return err
		}
		o.public = o.publicAttribute(s, w.name)
	}
	if w.zone != "" && w.domain != "" {
		records, err := s.recordsOf(ctx, w.zone, w.domain)
		if err != nil {
			return err
		}
		if o.domain != nil && o.domain.host == w.domain {
			o.domain.pointed = pointed(records, o.domain.to)
		}
		if o.balancer != nil {
			o.balancer.pointed = pointed(records, o.balancer.place())
		}
	}
	return nil
}

// makePublic lets requests in as it is wanted: the new way is made before the old ones
// are removed. It reports whether it changed anything.
func (h *hosting) makePublic(ctx context.Context, w *wanted, o *observed) (bool, error) {
	s, changed := h.session, false
	did := func(now bool, err error) error {
		changed = changed || now
		return err
	}
	switch w.public {
	case publicAPI:
		if err := did(s.mark(ctx, w.name, o, tagPublic, publicAPI)); err != nil {
			return changed, err
		}
		if err := did(s.makeAPI(ctx, w, o)); err != nil {
			return changed, err
		}
		if w.domain == "" {
			break
		}
		if err := did(h.makeDomain(ctx, w, o)); err != nil {
			return changed, err
		}
	case publicALB:
		serves, now, err := h.makeBalanced(ctx, w, o)
		if err := did(now, err); err != nil || !serves {
			return changed, err // What lets requests in until now stays meanwhile.
		}
	}
	if err := did(s.makeURL(ctx, w, o)); err != nil {
		return changed, err
	}
	return changed, did(h.dropPublic(ctx, w.name, w, o, s.unmark))
}

// dropPublic takes away every way in beside a function URL that is not wanted, and then its
// mark.
func (h *hosting) dropPublic(ctx context.Context, name string, w *wanted, o *observed,
	unmark func(ctx context.Context, name string, o *observed, marks ...string) (bool, error)) (bool, error) {
	s, changed := h.session, false
	did := func(now bool, err error) error {
		changed = changed || now
		return err
	}
	if host := o.marks[tagDomain]; host != "" && (w.public != publicAPI || w.domain == "") {
		if err := did(h.dropDomain(ctx, host, w.zone, w.domain == host)); err != nil {
			return changed, err
		}
		if err := did(unmark(ctx, name, o, tagDomain)); err != nil {
			return changed, err
		}
	}
	if w.public != publicAPI {
		if err := did(s.removeAPI(ctx, name, o)); err != nil {
			return changed, err
		}
		if err := did(unmark(ctx, name, o, tagPublic)); err != nil {
			return changed, err
		}
	}
	if w.public != publicALB {
		if err := did(s.revoke(ctx, name, o, albGrant)); err != nil {
			return changed, err
		}
		if listener := o.marks[tagListener]; listener != "" {
			if err := did(h.dropBalanced(ctx, listener, w.zone, o.marks[tagHost], w.domain)); err != nil {
				return changed, err
			}
		}
		return changed, did(unmark(ctx, name, o, tagListener, tagHost))
	}
	return changed, nil
}

// removePublic takes away everything that requests come through.
func (h *hosting) removePublic(ctx context.Context, name string, o *observed) (bool, error) {
	url, err := h.session.removeURL(ctx, name, o)
	if err != nil {
		return url, err
	}
	// The marks go with the function.
	stay := func(context.Context, string, *observed, ...string) (bool, error) { return false, nil }
	rest, err := h.dropPublic(ctx, name, &wanted{zone: h.settings.zone}, o, stay)
	return url || rest, err
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
	api := o.api != nil || o.grants["twofold-api"]
	balancer := o.grants[albGrant] || o.balancer != nil && (o.balancer.group != "" || len(o.balancer.rules) > 0)
	url := o.url != "" || o.granted()
	switch {
	case balancer && (api || url):
		return "a load balancer, and " + map[bool]string{true: "an HTTP API", false: "a function URL"}[api]
	case api && url:
		return "an HTTP API and a function URL"
	case balancer:
		if o.balancer.serves(s.aliasARN(name)) && o.sources[albGrant] == o.balancer.group {
			return publicALB
		}
		return "a load balancer that is not set up"
	case o.api != nil && o.api.whole(s.aliasARN(name)) && (!o.api.closed || o.domain.serves(o.api)) && o.sources["twofold-api"] == s.apiSource(o.api.id):
		return publicAPI
	case api:
		return "an HTTP API that is not set up"
	case o.open() && o.streams:
		return "url, streamed"
	case o.open():
		return publicURL
	case url:
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
	if o.domain.serves(o.api) {
		return "https://" + o.domain.host
	}
	if o.balancer != nil && o.balancer.listener != nil {
		if hosts := hostsOf(o.balancer.rules); len(hosts) > 0 {
			return o.balancer.listener.url(hosts[0])
		}
	}
	if o.url == "" && o.api != nil {
		return o.api.url()
	}
	return strings.TrimRight(o.url, "/")
}
