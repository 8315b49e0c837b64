package conformance

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"sync"
	"time"

	"github.com/twofoldhq/twofold/release"
	"github.com/twofoldhq/twofold/targets"
)

func checkInfo(_ context.Context, s *suite) {
	i := s.Target.Info()
	if i.Plugin == "" || i.Name == "" || i.Doc == "" || len(i.Forms) == 0 || len(i.Platforms) == 0 {
		s.fail("plugin, name, doc, forms and platforms are required: %+v", i.Capabilities())
	}
	if again := s.Target.Info(); !reflect.DeepEqual(i.Capabilities(), again.Capabilities()) {
		s.fail("info changed from %+v to %+v", i.Capabilities(), again.Capabilities())
	}
}

func checkUnknown(ctx context.Context, s *suite) {
	if st, ok := s.status(ctx); ok {
		s.fail("status of a deployment that does not exist is %+v", st)
	}
	if existed, err := s.Target.Destroy(ctx, s.key()); err != nil || existed {
		s.fail("destroy of a deployment that does not exist returns %t, %v; want false, nil", existed, err)
	}
	p, err := s.Target.Plan(ctx, s.deployment(s.Releases.One))
	if err != nil || p.Action != "create" || len(p.Changes) == 0 {
		s.fail("plan of a new deployment is %+v, %v; want create with its changes", p, err)
	}
	if _, ok := s.status(ctx); ok {
		s.fail("plan made a deployment")
	}
}

func checkDeploy(ctx context.Context, s *suite) {
	began := time.Now().Add(-time.Minute) // clocks differ
	st, ok := s.deploy(ctx, s.Releases.One)
	if !ok {
		return
	}
	if !st.Changed {
		s.fail("the first deploy says that it changed nothing")
	}
	if st.Key != s.key() || st.Target != s.Target.Info().Address() || st.URL == "" || st.Deployed.Before(began) {
		s.fail("the status of the deploy lacks something: %+v", st)
	}
	s.serves(ctx, s.Releases.One, "one")
	later, _ := s.status(ctx)
	st.Changed, st.Instances, later.Instances = false, 0, 0
	if !reflect.DeepEqual(st, later) {
		s.fail("deploy returned %+v and status %+v", st, later)
	}
	elsewhere := targets.Filter{Project: Project, Service: Service, Environment: "elsewhere"}
	if list, err := s.Target.Status(ctx, elsewhere); err != nil || len(list) != 0 {
		s.fail("status of another environment is %v, %v", list, err)
	}
}

func checkDeployTwice(ctx context.Context, s *suite) {
	first, ok := s.deploy(ctx, s.Releases.One)
	if !ok {
		return
	}
	if p, err := s.Target.Plan(ctx, s.deployment(s.Releases.One)); err != nil || p.Action != "none" || len(p.Changes) > 0 {
		s.fail("plan of what runs is %+v, %v; want none", p, err)
	}
	second, ok := s.deploy(ctx, s.Releases.One)
	if !ok {
		return
	}
	if second.Changed {
		s.fail("the second deploy says that it changed something")
	}
	if second.URL != first.URL || !second.Deployed.Equal(first.Deployed) {
		s.fail("the second deploy changed %+v to %+v", first, second)
	}
}

func checkEnv(ctx context.Context, s *suite) {
	const value = "a-value-that-nobody-may-show"
	if _, ok := s.deploy(ctx, s.Releases.One); !ok {
		return
	}
	d := s.deployment(s.Releases.One)
	d.Env, d.Sensitive = map[string]string{"APP_GREETING": value}, []string{"APP_GREETING"}
	p, err := s.Target.Plan(ctx, d)
	if err != nil || p.Action != "update" {
		s.fail("plan of a changed env is %+v, %v; want update", p, err)
	}
	if strings.Contains(fmt.Sprintf("%+v", p), value) {
		s.fail("the plan shows the value of a variable that is sensitive: %+v", p)
	}
	st, err := s.Target.Deploy(ctx, d)
	if err != nil {
		s.fail("deploy: %w", err)
		return
	}
	if !st.Changed {
		s.fail("the deploy of a changed env says that it changed nothing")
	}
	if got, err := get(ctx, s.Client, st.URL+"/env?name=APP_GREETING"); err != nil || got != value {
		s.fail("the app sees %q (%v), want the new value", got, err)
	}
	if strings.Contains(fmt.Sprintf("%+v", st), value) {
		s.fail("the status shows the value of an environment variable")
	}
	// What was sensitive stays hidden when it is no longer said to be.
	d.Env, d.Sensitive = map[string]string{"APP_GREETING": "another value"}, nil
	if p, err := s.Target.Plan(ctx, d); err != nil || strings.Contains(fmt.Sprintf("%+v", p), value) {
		s.fail("the plan shows the value of a variable that was sensitive before: %+v, %v", p, err)
	}
}

func checkReplace(ctx context.Context, s *suite) {
	st, ok := s.deploy(ctx, s.Releases.One)
	if !ok {
		return
	}
	// A request that the old release has begun is the old release's to end.
	slow := make(chan error, 1)
	go func() {
		got, err := get(ctx, s.Client, st.URL+"/slow?ms=1500")
		if err == nil && got != "one" {
			err = fmt.Errorf("it was answered by release %q", got)
		}
		slow <- err
	}()
	soon, cancel := context.WithTimeout(ctx, s.settle)
	defer cancel()
	l := startLoad(ctx, s.Client, st.URL+"/version", s.Rate)
	err := l.answered(soon, "one", 3)
	if err == nil {
		if _, ok = s.deploy(ctx, s.Releases.Two); ok {
			err = l.answered(soon, "two", 3)
		}
	}
	l.stop()
	if err != nil {
		s.fail("under load: %w", err)
	}
	if len(l.failures) > 0 {
		s.fail("%d of %d requests failed while the release was replaced; the first: %w", len(l.failures), l.sent, l.failures[0])
	}
	if err := <-slow; err != nil {
		s.fail("a request that was in flight when the release was replaced: %w", err)
	}
	s.serves(ctx, s.Releases.Two, "two")
	if after, ok := s.status(ctx); ok && after.URL != st.URL {
		s.fail("the URL changed from %s to %s", st.URL, after.URL)
	}
}

// short is a deployment that need not wait long for what never comes.
func (s *suite) short(r *release.Release) targets.Deployment {
	d := s.deployment(r)
	d.Start = min(s.Start, 2*time.Second)
	return d
}

func checkUnhealthy(ctx context.Context, s *suite) {
	if _, ok := s.deploy(ctx, s.Releases.One); !ok {
		return
	}
	for _, bad := range []struct {
		name, prints string
		release      *release.Release
	}{
		{"never gets ready", "app is not ready", s.Releases.Broken},
		{"exits as it starts", "app cannot start", s.Releases.Crashing},
	} {
		_, err := s.Target.Deploy(ctx, s.short(bad.release))
		var unhealthy *targets.NotHealthyError
		switch {
		case err == nil:
			s.fail("the deploy of an app that %s returns no error", bad.name)
		case !errors.As(err, &unhealthy):
			s.fail("the error of an app that %s is no NotHealthyError: %w", bad.name, err)
		case !strings.Contains(unhealthy.Output, bad.prints):
			s.fail("the error of an app that %s lacks its output: %q", bad.name, unhealthy.Output)
		}
		s.serves(ctx, s.Releases.One, "one")
	}
}

func checkFirstFails(ctx context.Context, s *suite) {
	if _, err := s.Target.Deploy(ctx, s.short(s.Releases.Crashing)); err == nil {
		s.fail("the deploy of an app that exits as it starts returns no error")
	}
	if st, ok := s.status(ctx); ok {
		s.fail("there is a deployment though the first deploy failed: %+v", st)
	}
}

func checkCancel(ctx context.Context, s *suite) {
	if _, ok := s.deploy(ctx, s.Releases.One); !ok {
		return
	}
	// Nothing is cancelled before the target has begun.
	d := s.deployment(s.Releases.Broken)
	cancelled, cancel := context.WithCancel(ctx)
	defer cancel()
	begun := sync.OnceFunc(func() { time.AfterFunc(100*time.Millisecond, cancel) })
	d.Events = func(targets.Event) { begun() }
	late := time.AfterFunc(time.Second, cancel) // a target without events
	defer late.Stop()
	if _, err := s.Target.Deploy(cancelled, d); !errors.Is(err, context.Canceled) {
		s.fail("the error of a cancelled deploy is no context.Canceled: %v", err)
	}
	s.serves(ctx, s.Releases.One, "one")
	if _, ok := s.deploy(ctx, s.Releases.Two); ok {
		s.serves(ctx, s.Releases.Two, "two")
	}
}

func checkConcurrent(ctx context.Context, s *suite) {
	var wg sync.WaitGroup
	both := []*release.Release{s.Releases.One, s.Releases.Two}
	errs := make([]error, len(both))
	for n, r := range both {
		wg.Go(func() {
			d := s.deployment(r)
			d.Events = nil
			_, errs[n] = s.Target.Deploy(ctx, d)
		})
	}
	wg.Wait()
	if err := errors.Join(errs...); err != nil {
		s.fail("two deploys at once: %w", err)
		return
	}
	st, _ := s.status(ctx)
	if st.Release == s.Releases.Two.Digest {
		s.serves(ctx, s.Releases.Two, "two")
	} else {
		s.serves(ctx, s.Releases.One, "one")
	}
}

func checkDestroy(ctx context.Context, s *suite) {
	st, ok := s.deploy(ctx, s.Releases.One)
	if !ok {
		return
	}
	if existed, err := s.Target.Destroy(ctx, s.key()); err != nil || !existed {
		s.fail("destroy returns %t, %v; want true, nil", existed, err)
	}
	if after, ok := s.status(ctx); ok {
		s.fail("status after destroy is %+v", after)
	}
	if got, err := get(ctx, s.Client, st.URL+"/version"); err == nil {
		s.fail("the URL still answers after destroy: %q", got)
	}
	if existed, err := s.Target.Destroy(ctx, s.key()); err != nil || existed {
		s.fail("the second destroy returns %t, %v; want false, nil", existed, err)
	}
}
