package lambda

import (
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/twofoldhq/twofold/build"
	"github.com/twofoldhq/twofold/release"
	"github.com/twofoldhq/twofold/targets"
	"github.com/twofoldhq/twofold/targets/fit/awslambda"
)

// Target is AWS Lambda in one account and region. It keeps no state of its own: what
// is deployed is read from AWS each time.
type Target struct {
	info     targets.Info
	settings settings
	session  sessions
	pace     pace
}

var _ targets.Target = (*Target)(nil)

// pace is how long the target waits for AWS. The zero value of a field is the default
// of newTarget.
type pace struct {
	// first is the pause before something is looked at or tried again; it doubles
	// up to most.
	first, most time.Duration
	// patience bounds the wait for what AWS does after a call: a function that is
	// pending, a role that cannot be assumed yet, another deploy in between.
	patience time.Duration
	// backoff bounds the pause of the SDK between two tries of a call, and tries
	// is how many there are.
	backoff time.Duration
	tries   int
	// look is how often a version is judged while it has a part of the traffic.
	look time.Duration
	// follow is how often a log that is followed is read.
	follow time.Duration
	// registry carries the requests to ECR's registry; nil is the usual transport.
	registry http.RoundTripper
}

func newTarget(target string, s settings, p pace) *Target {
	if p.first == 0 {
		p.first, p.most = 250*time.Millisecond, 5*time.Second
	}
	if p.patience == 0 {
		p.patience = 3 * time.Minute
	}
	if p.backoff == 0 {
		p.backoff = 20 * time.Second
	}
	if p.tries == 0 {
		p.tries = 6
	}
	if p.look == 0 {
		p.look = 10 * time.Second
	}
	if p.follow == 0 {
		p.follow = time.Second
	}
	t := &Target{settings: s, pace: p}
	t.info = targets.Info{
		Plugin: name, Name: target,
		Doc:       "Runs a service as a function of AWS Lambda: the bundle, or the image.",
		Forms:     s.forms,
		Platforms: s.platforms,
		Runtimes:  awslambda.Runtimes(),
		Limits:    limitsOf(s),
		Gaps:      map[targets.Feature]targets.Gap{targets.FeatureBackground: awslambda.Frozen()},
		Check:     s.check,
	}
	t.info.Operations = targets.Operations{Logs: t.logs, Invoke: t.invoke, Rollback: t.rollback, Metrics: t.measured, Samples: awslambda.Samples, Policy: t.policy, Secrets: t.secrets}
	return t
}

// Info implements targets.Target.
func (t *Target) Info() targets.Info { return t.info }

func (t *Target) address() string { return t.info.Address() }

// form is what the functions run: the first of the target's forms and platforms that
// the release has.
func (t *Target) form(r *release.Release) (release.Form, error) {
	if r == nil {
		return release.Form{}, fmt.Errorf("no release was given")
	}
	var first error
	for _, kind := range t.settings.forms {
		if !slices.ContainsFunc(r.Forms, func(f release.Form) bool { return f.Kind == kind }) && len(t.settings.forms) > 1 {
			continue
		}
		for _, p := range t.settings.platforms {
			f, err := r.Form(kind, p)
			if err == nil {
				return f, nil
			}
			if first == nil {
				first = err
			}
		}
	}
	if first == nil {
		first = fmt.Errorf("the release has no form that Lambda runs")
	}
	return release.Form{}, first
}

// architecture is Lambda's name of a platform's processor.
func architecture(p build.Platform) string {
	if p.Arch == "amd64" {
		return "x86_64"
	}
	return p.Arch
}

// say tells the caller what happens.
func say(d targets.Deployment, warning bool, format string, args ...any) {
	if d.Events != nil {
		d.Events(targets.Event{Message: fmt.Sprintf(format, args...), Warning: warning})
	}
}
