package lambda

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	awslambdaapi "github.com/aws/aws-sdk-go-v2/service/lambda"

	"github.com/twofoldhq/twofold/targets"
)

// keepDefault is how many releases stay beside the one that serves.
const keepDefault = 10

// keepMost is bounded by the alias' description, which names them.
const keepMost = 20

// servings are the versions that have taken all of the traffic, beside the one that
// takes it now. The alias' description holds them, so that they change with the alias
// in one call: the number of a version alone does not say whether it was ever healthy.
type servings struct {
	// before are those that the present one followed, the latest first.
	before []string
	// left are those that a rollback went back from, the latest first.
	left []string
}

const (
	beforeMark = "; before "
	leftMark   = "; left "
)

// aliasText is the description of an alias: its release and the servings.
func aliasText(digest string, h servings) string {
	text := description(digest)
	if len(h.before) > 0 {
		text += beforeMark + strings.Join(h.before, " ")
	}
	if len(h.left) > 0 {
		text += leftMark + strings.Join(h.left, " ")
	}
	return text
}

// aliasRelease is the release in the description of an alias.
func aliasRelease(text string) string {
	digest, _, _ := strings.Cut(releaseOf(text), ";")
	return digest
}

// readServings reads what aliasText wrote. What is no number of a version is left out.
func readServings(text string) servings {
	text, left, _ := strings.Cut(text, leftMark)
	_, before, _ := strings.Cut(text, beforeMark)
	return servings{numbersIn(before), numbersIn(left)}
}

func numbersIn(text string) []string {
	var list []string
	for _, word := range strings.Fields(text) {
		if versionNumber(word) > 0 && !slices.Contains(list, word) && len(list) < keepMost {
			list = append(list, word)
		}
	}
	return list
}

// versionNumber is 0 for what is no number of a version.
func versionNumber(version string) int64 {
	n, err := strconv.ParseInt(version, 10, 64)
	if err != nil || n < 0 {
		return 0
	}
	return n
}

// deployed are the servings once a deploy has moved the traffic from one version to
// another.
func (h servings) deployed(from, to string) servings {
	return servings{before: append([]string{from}, h.before...), left: h.left}.without(to)
}

// rolledBack are the servings once a rollback has moved the traffic.
func (h servings) rolledBack(from, to string) servings {
	after := servings{before: h.before, left: append([]string{from}, h.left...)}
	if at := slices.Index(h.before, to); at >= 0 {
		after.left = append([]string{from}, h.before[:at]...)
		after.left, after.before = append(after.left, h.left...), h.before[at+1:]
	}
	return after.without(to)
}

// without takes the version that serves out, and what there is too much.
func (h servings) without(live string) servings {
	cut := func(list []string, most int) []string {
		var kept []string
		for _, v := range list {
			if v != live && !slices.Contains(kept, v) && len(kept) < most {
				kept = append(kept, v)
			}
		}
		return kept
	}
	before := cut(h.before, keepMost)
	var left []string
	for _, v := range cut(h.left, keepMost) {
		if !slices.Contains(before, v) && len(before)+len(left) < keepMost {
			left = append(left, v)
		}
	}
	return servings{before, left}
}

func (h servings) includes(version string) bool {
	return slices.Contains(h.before, version) || slices.Contains(h.left, version)
}

// servings are those of a deployment that has an alias.
func (o *observed) servings() servings {
	if o.alias == nil {
		return servings{}
	}
	return readServings(aws.ToString(o.alias.Description))
}

// versions are all published ones, the newest first.
func (s *session) versions(ctx context.Context, name string) ([]*observedFunction, error) {
	var list []*observedFunction
	pages := awslambdaapi.NewListVersionsByFunctionPaginator(s.lambda, &awslambdaapi.ListVersionsByFunctionInput{FunctionName: &name})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, problem("list the versions of function", name, err)
		}
		for _, c := range page.Versions {
			if f := observedOf(&c); versionNumber(f.version) > 0 {
				list = append(list, f)
			}
		}
	}
	slices.SortFunc(list, func(a, b *observedFunction) int {
		return cmp.Compare(versionNumber(b.version), versionNumber(a.version))
	})
	return list, nil
}

// earlier are the versions that a rollback can go back to: those that have served
// and are still there. Where the alias does not say which have, because it was changed
// by hand, they are all that twofold has published.
func (o *observed) earlier(list []*observedFunction) []*observedFunction {
	h := o.servings()
	known := len(h.before)+len(h.left) > 0 || o.alias != nil && aliasRelease(aws.ToString(o.alias.Description)) != ""
	var found []*observedFunction
	for _, f := range list {
		if f.version != o.live.version && releaseOf(f.config.description) != "" && (!known || h.includes(f.version)) {
			found = append(found, f)
		}
	}
	return found
}

// prune deletes the versions that nobody will go back to. It never takes one that an
// alias points to, one that is newer than the one that serves (another deploy may be
// about to move the traffic to it), or one of the last that served. It is an extra: a
// failure is a warning.
func (t *Target) prune(ctx context.Context, s *session, k targets.Key, say func(string)) {
	name := functionName(k)
	err := func() error {
		o, err := s.observe(ctx, k)
		if err != nil || o.live == nil || o.weights() != "" {
			return err
		}
		list, err := s.versions(ctx, name)
		if err != nil {
			return err
		}
		aliased, err := s.aliased(ctx, name)
		if err != nil {
			return err
		}
		for _, version := range o.surplus(list, aliased, t.settings.keep) {
			if _, err := s.lambda.DeleteFunction(ctx, &awslambdaapi.DeleteFunctionInput{FunctionName: &name, Qualifier: &version}); err != nil && !missing(err) {
				return problem("delete version "+version+" of function", name, err)
			}
		}
		if !o.live.config.image {
			return nil
		}
		return s.pruneOldImages(ctx, name)
	}()
	if err != nil && ctx.Err() == nil {
		say(fmt.Sprintf("old versions are still there, and the next deploy tries again to delete them: %v", err))
	}
}

// surplus are the versions that are deleted, the oldest first.
func (o *observed) surplus(list []*observedFunction, aliased map[string]bool, keep int) []string {
	stays := map[string]bool{}
	for n, f := range o.earlier(list) {
		stays[f.version] = n < keep
	}
	var surplus []string
	for _, f := range list {
		older := versionNumber(f.version) < versionNumber(o.live.version)
		if older && !stays[f.version] && !aliased[f.version] && releaseOf(f.config.description) != "" {
			surplus = append(surplus, f.version)
		}
	}
	slices.Reverse(surplus)
	return surplus
}

// aliased are the versions that any alias of a function points to.
func (s *session) aliased(ctx context.Context, name string) (map[string]bool, error) {
	all := map[string]bool{}
	pages := awslambdaapi.NewListAliasesPaginator(s.lambda, &awslambdaapi.ListAliasesInput{FunctionName: &name})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, problem("list the aliases of function", name, err)
		}
		for _, a := range page.Aliases {
			all[aws.ToString(a.FunctionVersion)] = true
			if a.RoutingConfig == nil {
				continue
			}
			for version := range a.RoutingConfig.AdditionalVersionWeights {
				all[version] = true
			}
		}
	}
	return all, nil
}

// pruneOldImages removes the images that no version runs any more.
func (s *session) pruneOldImages(ctx context.Context, name string) error {
	list, err := s.versions(ctx, name)
	if err != nil {
		return err
	}
	latest, err := s.observeFunction(ctx, name)
	if err != nil || latest == nil {
		return err
	}
	used := map[string]bool{latest.codeSum: true}
	for _, f := range list {
		if f, err = s.observeVersion(ctx, name, f.version); err != nil {
			return err
		}
		used[f.codeSum] = true
	}
	return s.pruneImages(ctx, name, used)
}
