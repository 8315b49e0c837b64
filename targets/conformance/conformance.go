// Package conformance holds the suite that every target must pass.
//
// The suite deploys small releases to the target under test and compares what
// happens with the contract of package targets: an operation that is declared
// must work, one that is not returns targets.ErrUnsupported, deploying what runs
// changes nothing, and whatever fails or is cancelled leaves what ran before
// running. A target's test is a few lines:
//
//	for _, f := range conformance.Run(ctx, conformance.Config{Target: t, Releases: r}) {
//		t.Error(f)
//	}
//
// It returns its findings, so that broken targets can test the suite itself.
package conformance

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/twofoldhq/twofold/release"
	"github.com/twofoldhq/twofold/targets"
)

// Config is what the suite runs against.
type Config struct {
	Target targets.Target
	// Releases are those of MakeReleases, or others that behave alike.
	Releases *Releases
	// Client sends the requests to deployments; nil is one without keep-alive.
	Client *http.Client
	// Start is how long an instance may take; 0 is 20 s. The suite waits for it
	// with the release that never gets ready, so it should be short where the
	// target is quick.
	Start time.Duration
	// Rate is the number of requests a second during which releases are replaced;
	// 0 is 50.
	Rate int
	// SetSecret puts a secret into the target's store, so that it can be deployed
	// as a variable of that name, and Dir is the project's folder of deployments.
	// A nil SetSecret leaves out the check of secrets.
	SetSecret func(ctx context.Context, name, value string) (targets.Secret, error)
	Dir       string
	// Volumes and Schedules say that the target has them. The check of schedules
	// takes up to a minute, beside the others.
	Volumes, Schedules bool
	// Send puts a message into the queue that the target knows as Queue. A nil Send
	// leaves out the check of queues.
	Send  func(ctx context.Context, body string) error
	Queue string
	// Log receives what the suite does; nil is allowed.
	Log func(format string, args ...any)
	// settle bounds what happens soon after something else, such as the first
	// answer of a new release; 0 is 15 s.
	settle time.Duration
	// minute bounds the wait for a schedule that fires each minute; 0 is 90 s.
	minute time.Duration
	// only is the one check that runs, or "" for all.
	only string
}

// Finding is one way in which a target does not keep the contract.
type Finding struct {
	// Check is the name of the check, such as "deploy twice changes nothing".
	Check string
	Err   error
}

func (f Finding) Error() string { return f.Check + ": " + f.Err.Error() }
func (f Finding) Unwrap() error { return f.Err }

// check is one part of the suite. It has an environment of its own, which is
// destroyed after it.
type check struct {
	name string
	run  func(ctx context.Context, s *suite)
	// slow checks wait more than they work, and run beside the others.
	slow bool
}

func checks() []check {
	return []check{
		{name: "info is complete and does not change", run: checkInfo},
		{name: "what does not exist is no error", run: checkUnknown},
		{name: "a deployment answers at its URL", run: checkDeploy},
		{name: "deploy twice changes nothing", run: checkDeployTwice},
		{name: "a changed env reaches the app and nobody else", run: checkEnv},
		{name: "a secret reaches the app and nobody else", run: checkSecret},
		{name: "a new release replaces the old without a failed request", run: checkReplace},
		{name: "a volume outlives a release", run: checkVolume},
		{name: "a release that does not get ready leaves the old one", run: checkUnhealthy},
		{name: "a first deploy that fails leaves nothing", run: checkFirstFails},
		{name: "a cancelled deploy leaves the old one", run: checkCancel},
		{name: "two deploys at once leave one of both", run: checkConcurrent},
		{name: "destroy removes, and destroy twice is no error", run: checkDestroy},
		{name: "logs hold what the app printed", run: checkLogs},
		{name: "invoke reaches the app", run: checkInvoke},
		{name: "a command runs once in the release", run: checkRun},
		{name: "rollback runs an earlier release again", run: checkRollback},
		{name: "a queue's messages reach the release that serves", run: checkQueue},
		{name: "a schedule fires", run: checkSchedule, slow: true},
	}
}

// Run runs the suite, and returns all findings in the order of the checks. No
// finding means that the target keeps the contract.
func Run(ctx context.Context, c Config) []Finding {
	c = c.withDefaults()
	all := checks()
	findings := make([][]Finding, len(all))
	var slow sync.WaitGroup
	for _, turn := range []bool{true, false} {
		for n, k := range all {
			if c.only != "" && k.name != c.only || k.slow != turn {
				continue
			}
			environment := fmt.Sprintf("check-%d", n+1)
			if k.slow {
				slow.Go(func() { findings[n] = c.runOne(ctx, k, environment) })
			} else {
				findings[n] = c.runOne(ctx, k, environment)
			}
		}
	}
	slow.Wait()
	return slices.Concat(findings...)
}

func (c Config) withDefaults() Config {
	if c.Client == nil {
		c.Client = &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: 30 * time.Second}
	}
	if c.Start == 0 {
		c.Start = 20 * time.Second
	}
	if c.Rate == 0 {
		c.Rate = 50
	}
	if c.settle == 0 {
		c.settle = 15 * time.Second
	}
	if c.minute == 0 {
		c.minute = 90 * time.Second
	}
	if c.Log == nil {
		c.Log = func(string, ...any) {}
	}
	return c
}

// runOne runs a check, and destroys what it made.
func (c Config) runOne(ctx context.Context, k check, environment string) []Finding {
	s := &suite{Config: c, check: k.name, environment: environment}
	began := time.Now()
	k.run(ctx, s)
	// The check's own context may be over; what it made goes all the same.
	cleanup, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Minute)
	defer cancel()
	if _, err := c.Target.Destroy(cleanup, s.key()); err != nil {
		s.fail("destroy after the check: %w", err)
	}
	c.Log("%s: %d findings, %.1f s", k.name, len(s.findings), time.Since(began).Seconds())
	return s.findings
}

// suite is the state of one check.
type suite struct {
	Config
	check       string
	environment string
	findings    []Finding
}

func (s *suite) fail(format string, args ...any) {
	s.findings = append(s.findings, Finding{s.check, fmt.Errorf(format, args...)})
}

func (s *suite) key() targets.Key {
	return targets.Key{Project: Project, Service: Service, Environment: s.environment}
}

func (s *suite) deployment(r *release.Release) targets.Deployment {
	return targets.Deployment{
		Key: s.key(), Release: r, Port: Port, Health: Health, Start: s.Start,
		Timeout: 20 * time.Second, Memory: 256 << 20,
		Env:    map[string]string{"APP_GREETING": "hello"},
		Scale:  targets.Scale{Max: 20},
		Dir:    s.Dir,
		Events: func(e targets.Event) { s.Log("  event: %s", e.Message) },
	}
}

// deploy deploys a release that must come up. The result is false if it did not.
func (s *suite) deploy(ctx context.Context, r *release.Release) (targets.Status, bool) {
	st, err := s.Target.Deploy(ctx, s.deployment(r))
	if err != nil {
		s.fail("deploy: %w", err)
		return st, false
	}
	return st, true
}

// status returns the deployment's status, and whether there is one.
func (s *suite) status(ctx context.Context) (targets.Status, bool) {
	list, err := s.Target.Status(ctx, targets.Filter(s.key()))
	switch {
	case err != nil:
		s.fail("status: %w", err)
	case len(list) > 1:
		s.fail("status returns %d deployments for one key", len(list))
	case len(list) == 1:
		return list[0], true
	}
	return targets.Status{}, false
}

// serves checks that a release is what runs and what answers.
func (s *suite) serves(ctx context.Context, r *release.Release, version string) {
	st, ok := s.status(ctx)
	if !ok {
		s.fail("status returns nothing, and release %s should serve", version)
		return
	}
	if st.Release != r.Digest || st.State != targets.Running {
		s.fail("status says %s with release %s, and release %s (%s) should be running", st.State, st.Release, r.Digest, version)
	}
	if got, err := get(ctx, s.Client, st.URL+"/version"); err != nil || got != version {
		s.fail("GET /version answers %q (%v), want %q", got, err, version)
	}
}

func (s *suite) operations() string {
	return strings.Join(s.Target.Info().Capabilities().Operations, ",")
}
