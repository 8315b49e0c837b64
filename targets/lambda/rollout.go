package lambda

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awslambdaapi "github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"github.com/twofoldhq/twofold/targets"
)

// routing is where an alias sends its requests: all to version, but the share of each
// of the weights.
type routing struct {
	version string
	weights map[string]float64
}

func routingOf(a *awslambdaapi.GetAliasOutput) routing {
	r := routing{version: aws.ToString(a.FunctionVersion)}
	if a.RoutingConfig != nil {
		r.weights = a.RoutingConfig.AdditionalVersionWeights
	}
	return r
}

func (r routing) equal(other routing) bool {
	return r.version == other.version && maps.Equal(r.weights, other.weights)
}

// route changes where the alias sends its requests, unless somebody else has changed
// that since it was read. It returns the alias as it is then. Text is the alias' new
// description; "" leaves it.
func (t *Target) route(ctx context.Context, s *session, name string, was *awslambdaapi.GetAliasOutput, to routing, text string) (*awslambdaapi.GetAliasOutput, error) {
	weights := to.weights
	if weights == nil {
		weights = map[string]float64{}
	}
	in := &awslambdaapi.UpdateAliasInput{
		FunctionName: &name, Name: aws.String(aliasName), FunctionVersion: &to.version, RevisionId: was.RevisionId,
		RoutingConfig: &types.AliasRoutingConfiguration{AdditionalVersionWeights: weights},
	}
	if text != "" {
		in.Description = &text
	}
	out, err := s.lambda.UpdateAlias(ctx, in)
	if err == nil {
		return &awslambdaapi.GetAliasOutput{
			Description: out.Description, FunctionVersion: out.FunctionVersion, Name: out.Name, RevisionId: out.RevisionId, RoutingConfig: out.RoutingConfig,
		}, nil
	}
	if !moved(err) {
		return nil, problem("move the alias of function", name, err)
	}
	// The call may be the second try of one whose answer was lost.
	is, look := s.alias(ctx, name)
	if look == nil && is != nil && routingOf(is).equal(to) && (text == "" || aws.ToString(is.Description) == text) {
		return is, nil
	}
	return nil, problem("move the alias of function", name, err)
}

// alias returns nil if there is none.
func (s *session) alias(ctx context.Context, name string) (*awslambdaapi.GetAliasOutput, error) {
	a, err := s.lambda.GetAlias(ctx, &awslambdaapi.GetAliasInput{FunctionName: &name, Name: aws.String(aliasName)})
	if missing(err) {
		return nil, nil
	}
	if err != nil {
		return nil, problem("read the alias of function", name, err)
	}
	return a, nil
}

// rollout is a version on its way to all of the traffic.
type rollout struct {
	*convergence
	from, to string
	// alias is as this rollout has left it, nil before the first step.
	alias *awslambdaapi.GetAliasOutput
	// began is when the version got its first requests.
	began time.Time
}

// errTaken is a rollout that somebody else has ended.
var errTaken = errors.New("another deploy or rollback has moved the traffic meanwhile, and this one leaves it as it is: twofold status says what serves")

// shift moves the traffic to a version: at once, or in steps, as long as the version
// is not worse than it may be. Where a step fails or is cancelled, the version that
// served before takes all of the traffic again.
//
// A deploy that was killed leaves the traffic split between two versions that are both
// healthy; the next deploy starts again with the first step, or with another
// release's.
func (c *convergence) shift(ctx context.Context, o *observed, to string) error {
	r := &rollout{convergence: c, from: o.live.version, to: to, began: time.Now()}
	text := aliasText(c.wanted.digest, o.servings().deployed(r.from, to))
	plan := c.deployment.Rollout
	if len(plan.Steps) == 0 || r.from == to {
		say(c.deployment, false, "moving traffic to version %s", to)
		_, err := c.route(ctx, c.session, c.wanted.name, o.alias, routing{version: to}, text)
		return err
	}
	// Whether the errors can be counted is known before anybody meets them.
	if _, err := c.session.served(ctx, c.wanted.name, to, r.began); err != nil {
		return err
	}
	r.alias = o.alias
	for n, percent := range plan.Steps {
		if err := r.step(ctx, percent); err != nil {
			if n == 0 && moved(err) {
				return err // nothing was begun: look again
			}
			return r.back(ctx, percent, err)
		}
	}
	say(c.deployment, false, "moving all of the traffic to version %s", to)
	if _, err := c.route(ctx, c.session, c.wanted.name, r.alias, routing{version: to}, text); err != nil {
		return r.back(ctx, plan.Steps[len(plan.Steps)-1], err)
	}
	return nil
}

// step gives the version a share of the traffic, and watches it.
func (r *rollout) step(ctx context.Context, percent int) error {
	say(r.deployment, false, "giving %d%% of the traffic to version %s for %s", percent, r.to, r.deployment.Rollout.Wait)
	to := routing{r.from, map[string]float64{r.to: float64(percent) / 100}}
	alias, err := r.route(ctx, r.session, r.wanted.name, r.alias, to, "")
	if err != nil {
		return err
	}
	r.alias = alias
	for end := time.Now().Add(r.deployment.Rollout.Wait); ; {
		rest := time.Until(end)
		if err := pause(ctx, max(0, min(rest, r.pace.look))); err != nil {
			return err
		}
		if err := r.judge(ctx, percent); err != nil {
			return err
		}
		if !time.Now().Before(end) {
			return nil
		}
	}
}

// judge returns a *targets.RolledBackError for a version that is worse than it may be.
func (r *rollout) judge(ctx context.Context, percent int) error {
	worse := func(reason string) error { return &targets.RolledBackError{Step: percent, Reason: reason} }
	again, err := r.ask(ctx, r.session, probeOf(r.wanted), r.to)
	var unhealthy *targets.NotHealthyError
	switch {
	case errors.As(err, &unhealthy):
		return worse("version " + r.to + " did not answer its health path: " + unhealthy.Reason)
	case err != nil:
		return err
	case again != nil && again.Reason != noInstance:
		return worse(again.Reason + " at version " + r.to)
	}
	counts, err := r.session.served(ctx, r.wanted.name, r.to, r.began)
	if err != nil || counts.requests == 0 {
		return err
	}
	most := r.deployment.Rollout.MaxErrors
	if share := 100 * counts.errors / counts.requests; share > most {
		return worse(fmt.Sprintf("%.0f of %.0f requests failed (%s%%), and max_errors is %s%%", counts.errors, counts.requests, short(share), short(most)))
	}
	return nil
}

// short writes a percentage with at most two digits after the point.
func short(percent float64) string {
	return strings.TrimSuffix(strings.TrimRight(strconv.FormatFloat(percent, 'f', 2, 64), "0"), ".")
}

// back gives all of the traffic to the version that served before, unless somebody
// else has moved it since. It returns the reason, with what went wrong beside.
func (r *rollout) back(ctx context.Context, percent int, reason error) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), cleanupTimeout)
	defer cancel()
	alias, err := r.session.alias(ctx, r.wanted.name)
	switch {
	case err != nil:
		return r.stuck(reason, err)
	case alias == nil || !r.mine(routingOf(alias)):
		if moved(reason) {
			return errTaken
		}
		return reason
	case len(routingOf(alias).weights) == 0:
		return reason // the first step has not taken effect
	}
	_, err = r.route(ctx, r.session, r.wanted.name, alias, routing{version: r.from}, "")
	if err != nil {
		return r.stuck(reason, err)
	}
	say(r.deployment, true, "version %s takes all of the traffic again: version %s was at %d%%", r.from, r.to, percent)
	if moved(reason) {
		// The next try would begin the rollout anew, perhaps against another deploy.
		return errTaken
	}
	return reason
}

// mine reports whether a routing is one that this rollout may have left.
func (r *rollout) mine(is routing) bool {
	if is.version != r.from {
		return false
	}
	for version := range is.weights {
		if version != r.to {
			return false
		}
	}
	return true
}

func (r *rollout) stuck(reason, err error) error {
	say(r.deployment, true, "version %s may still have a part of the traffic: twofold rollback gives all of it to version %s", r.to, r.from)
	return hidden{fmt.Sprintf("%v; taking the traffic back failed too: %v", reason, err), reason}
}

// traffic is what the versions take, where there is more than one.
func (s *session) traffic(o *observed, list []*observedFunction) []targets.Share {
	if o.weights() == "" {
		return nil
	}
	name := func(version string, percent float64) targets.Share {
		share := targets.Share{Name: "version " + version, Percent: percent}
		for _, f := range list {
			if f.version == version {
				share.Release = releaseOf(f.config.description)
			}
		}
		return share
	}
	rest, weights := 100.0, o.alias.RoutingConfig.AdditionalVersionWeights
	var shares []targets.Share
	for _, version := range slices.Sorted(maps.Keys(weights)) {
		percent := 100 * weights[version]
		rest -= percent
		shares = append(shares, name(version, percent))
	}
	return append([]targets.Share{name(o.live.version, rest)}, shares...)
}
