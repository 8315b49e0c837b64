package lambda

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	awslambdaapi "github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"github.com/twofoldhq/twofold/release"
	"github.com/twofoldhq/twofold/targets"
)

// Status implements targets.Target. Deployed is when the version was published that
// takes the traffic.
func (t *Target) Status(ctx context.Context, f targets.Filter) ([]targets.Status, error) {
	list, err := t.statuses(ctx, f)
	if err != nil {
		return nil, fmt.Errorf("%s: status: %w", t.address(), err)
	}
	return list, nil
}

func (t *Target) statuses(ctx context.Context, f targets.Filter) ([]targets.Status, error) {
	s, err := t.open(ctx)
	if err != nil {
		return nil, err
	}
	keys := []targets.Key{targets.Key(f)}
	if f.Project == "" || f.Service == "" || f.Environment == "" {
		if keys, err = s.keys(ctx, f); err != nil {
			return nil, err
		}
	}
	var list []targets.Status
	for _, k := range keys {
		one, ok, err := t.status(ctx, s, k)
		if err != nil {
			return nil, err
		}
		if ok {
			list = append(list, one)
		}
	}
	slices.SortFunc(list, func(a, b targets.Status) int {
		return strings.Compare(a.Project+"\x00"+a.Service+"\x00"+a.Environment, b.Project+"\x00"+b.Service+"\x00"+b.Environment)
	})
	return list, nil
}

// keys are those of the functions of this account and region that match.
func (s *session) keys(ctx context.Context, f targets.Filter) ([]targets.Key, error) {
	var keys []targets.Key
	match := func(want, is string) bool { return want == "" || want == is }
	pages := awslambdaapi.NewListFunctionsPaginator(s.lambda, &awslambdaapi.ListFunctionsInput{})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, problem("list the functions", "", err)
		}
		for _, c := range page.Functions {
			if releaseOf(aws.ToString(c.Description)) == "" {
				continue
			}
			tags, err := s.lambda.ListTags(ctx, &awslambdaapi.ListTagsInput{Resource: c.FunctionArn})
			if missing(err) {
				continue
			}
			if err != nil {
				return nil, problem("read the tags of function", aws.ToString(c.FunctionName), err)
			}
			k, ok := keyOf(tags.Tags)
			if ok && match(f.Project, k.Project) && match(f.Service, k.Service) && match(f.Environment, k.Environment) {
				keys = append(keys, k)
			}
		}
	}
	return keys, nil
}

// status returns false if there is no deployment.
func (t *Target) status(ctx context.Context, s *session, k targets.Key) (targets.Status, bool, error) {
	o, err := s.observe(ctx, k)
	if err != nil || o.function == nil {
		return targets.Status{}, false, err
	}
	st := targets.Status{Key: k, Target: t.address(), Form: release.Bundle, State: targets.Running}
	if o.function.config.image {
		st.Form = release.Image
	}
	if o.live == nil {
		st.State, st.Detail = targets.Stopped, "its first deploy did not end: twofold deploy goes on with it, and twofold destroy removes it"
		st.Release, st.Deployed = releaseOf(o.function.config.description), o.function.modified
		return st, true, nil
	}
	st.URL = o.address()
	st.Release, st.Deployed = releaseOf(o.live.config.description), o.live.modified
	st.Runner = fmt.Sprintf("version %s, %s, %s, %d MB", o.live.version, cmp.Or(o.live.config.runtime, "an image"), o.live.config.architecture, o.live.config.memory)
	list, err := s.versions(ctx, functionName(k))
	if err != nil {
		return targets.Status{}, false, err
	}
	for _, f := range o.earlier(list) {
		st.Earlier = append(st.Earlier, targets.Earlier{Release: releaseOf(f.config.description), Name: "version " + f.version, Deployed: f.modified})
	}
	st.Traffic = s.traffic(o, list)
	st.State, st.Detail = o.state()
	if st.Detail == "" {
		if st.Detail, err = s.hostDetail(ctx, o, ownTags(k)); err != nil {
			return targets.Status{}, false, err
		}
	}
	return st, true, nil
}

// state says how the version does that serves, and what was changed by hand, as far as
// that can be seen without the manifest.
func (o *observed) state() (targets.State, string) {
	switch {
	case o.live.state == types.StateFailed:
		return targets.Failing, o.live.reason
	case o.weights() != "":
		return targets.Running, o.weights() + " of the traffic: a rollout is under way or was interrupted; twofold deploy goes on with it, and twofold rollback stops it"
	case releaseOf(o.live.config.description) == "":
		return targets.Running, fmt.Sprintf("version %s, which serves, is none that twofold has published: twofold deploy moves the traffic back", o.live.version)
	case o.alias.Description != nil && aliasRelease(*o.alias.Description) != "" && aliasRelease(*o.alias.Description) != releaseOf(o.live.config.description):
		return targets.Running, fmt.Sprintf("the alias was moved to version %s by hand: twofold deploy moves it back", o.live.version)
	case o.url != "" && !o.open():
		return targets.Running, "the URL is not open to everybody, as it was changed by hand: twofold deploy opens it"
	}
	return targets.Running, ""
}
