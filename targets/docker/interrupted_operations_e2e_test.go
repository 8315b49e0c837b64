//go:build e2e

package docker

import (
	"flag"
	"fmt"
	"net/http"
	"slices"
	"testing"

	"github.com/twofoldhq/twofold/manifest/schema"
	"github.com/twofoldhq/twofold/targets"
)

var everyPoint = flag.Bool("every-point", false, "cut off at every point of every operation, and not at some")

// some are points that show most, or all of them with -every-point.
func some(all []point) (list []point) {
	const every, first = 7, 3
	for n, p := range all {
		if *everyPoint || n%every == first {
			list = append(list, p)
		}
	}
	return list
}

func TestARollbackThatIsKilledAnywhereLosesNoRequest(t *testing.T) {
	i := newInterruptions(t)
	i.converges(t, releases.One, "one")
	st := i.converges(t, releases.Two, "two")
	back := func() error {
		_, err := targets.Rollback(t.Context(), i.target, targets.RollbackRequest{Key: i.d.Key, Release: releases.One.Digest})
		return err
	}
	calls := i.calls(t, back)
	set := slices.Index(calls, "gateway set") + 1
	i.converges(t, releases.Two, "two")
	l := startLoad(t, st.URL+"/version", 50)
	list := some(points(calls))
	for _, p := range list {
		t.Run(p.name(calls), func(t *testing.T) {
			i.cutOffIn(t, p, back)
			if p.call < set || p.call == set && !p.after {
				if got := answer(t, st.URL+"/version"); got != "two" {
					t.Errorf("before the route has moved, %q answers", got)
				}
			}
			i.wire.set(point{})
			if err := back(); err != nil {
				t.Errorf("the next rollback: %v", err)
			}
			if got := answer(t, st.URL+"/version"); got != "one" {
				t.Errorf("after the next rollback %q answers", got)
			}
			i.converges(t, releases.Two, "two")
		})
	}
	checkLoad(t, l, fmt.Sprintf("rollbacks killed at %d points of %d", len(list), len(points(calls))))
}

func TestADestroyThatIsKilledAnywhereIsFinishedByTheNext(t *testing.T) {
	i := newInterruptions(t)
	i.withDomain(t)
	i.converges(t, releases.One, "one")
	destroy := func() error {
		_, err := i.target.Destroy(t.Context(), i.d.Key)
		return err
	}
	calls := i.calls(t, destroy)
	list := some(points(calls))
	for n, p := range list {
		t.Run(p.name(calls), func(t *testing.T) {
			i.converges(t, releases.One, "one")
			i.cutOffIn(t, p, destroy)
			if n%2 == 0 {
				i.converges(t, releases.Two, "two")
			}
			i.destroy(t)
		})
	}
	t.Logf("%d points of %d of a destroy", len(list), len(points(calls)))
}

func TestADeployOfSeveralInstancesThatIsKilledAnywhereIsFinishedByTheNext(t *testing.T) {
	i := newInterruptions(t)
	i.d.Scale.Min = 3
	i.converges(t, releases.One, "one")
	i.converges(t, releases.Two, "two")
	st := i.converges(t, releases.One, "one")
	calls, _ := i.wire.made()
	l := startLoad(t, st.URL+"/version", 50)
	list := some(points(calls))
	now, next := "one", "two"
	for _, p := range list {
		t.Run(p.name(calls), func(t *testing.T) {
			r := releases.One
			if next == "two" {
				r = releases.Two
			}
			i.cutOff(t, r, p)
			i.converges(t, r, next)
			now, next = next, now
		})
	}
	checkLoad(t, l, fmt.Sprintf("deploys of three instances killed at %d points of %d", len(list), len(points(calls))))
}

// TestASwitchWhoseAnswerIsLost ends the one connection on which the gateway says that it
// has switched: what it serves then is not removed as something that did not get ready.
func TestASwitchWhoseAnswerIsLost(t *testing.T) {
	i := newInterruptions(t)
	i.converges(t, releases.One, "one")
	i.converges(t, releases.Two, "two")
	st := i.converges(t, releases.One, "one")
	calls, _ := i.wire.made() // as those of the next one, whose image is there too
	l := startLoad(t, st.URL+"/version", 50)
	i.wire.alone = true
	for _, c := range []struct {
		answers string
		call    int // the switch
		run     func() error
	}{
		{"two", slices.Index(calls, "gateway set") + 1, func() error {
			d := i.d
			d.Release = releases.Two
			_, err := i.target.Deploy(t.Context(), d)
			return err
		}},
		{"one", 3, func() error { // after the lock and the start of the container
			_, err := targets.Rollback(t.Context(), i.target, targets.RollbackRequest{Key: i.d.Key, Release: releases.One.Digest})
			return err
		}},
	} {
		i.wire.set(point{call: c.call, after: true})
		if err := c.run(); err == nil {
			t.Errorf("an answer that is lost is no error")
		}
		awaitAnswer(t, l, c.answers)
	}
	checkLoad(t, l, "switches whose answer is lost")
}

// withDomain gives the deployment a host name, and a port beside.
func (i *interruptions) withDomain(t *testing.T) {
	t.Helper()
	i.target = targetOf(t, schema.Values{
		"host": i.wire.address, "keep_releases": int64(1), "ports": map[string]string{i.d.Service: "28081"},
		"http_port": int64(28080), "https_port": int64(28443), "acme_directory": "https://127.0.0.1:1/directory",
	})
	i.d.Domain = "shop.example.com"
}

// redirects checks that the gateway of the host names knows the deployment's.
func (i *interruptions) redirects(t *testing.T) {
	t.Helper()
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://127.0.0.1:28080/", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Host = i.d.Domain
	resp, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusPermanentRedirect {
		t.Errorf("the gateway of the host names answers %s for %s", resp.Status, i.d.Domain)
	}
}

// TestAHostNameThatIsGivenByADeployThatIsKilled kills deploys that give a service its
// first host name, and another one.
func TestAHostNameThatIsGivenByADeployThatIsKilled(t *testing.T) {
	i := newInterruptions(t)
	i.withDomain(t)
	i.converges(t, releases.One, "one")
	i.destroy(t)
	with := i.d
	without := with
	without.Domain = ""
	i.d = without
	i.converges(t, releases.One, "one")
	i.d = with
	st := i.converges(t, releases.One, "one")
	calls, _ := i.wire.made()
	l := startLoad(t, i.base(st)+"/version", 50)
	list := some(points(calls))
	for _, p := range list {
		t.Run(p.name(calls), func(t *testing.T) {
			i.d = without
			i.converges(t, releases.One, "one")
			i.d = with
			i.cutOff(t, releases.One, p)
			i.converges(t, releases.One, "one")
			i.redirects(t)
		})
	}
	checkLoad(t, l, fmt.Sprintf("deploys that give a host name killed at %d points of %d", len(list), len(points(calls))))
}

// TestHostNamesThatComeAndGoAtOnce deploys services with host names at once, and takes the
// last host name of the engine away while another service gets its first.
func TestHostNamesThatComeAndGoAtOnce(t *testing.T) {
	i := newInterruptions(t)
	i.withDomain(t)
	one := i.d
	one.Secrets, one.Volumes = nil, nil
	two := one
	two.Service, two.Domain = "admin", "admin.example.com"
	deploy := func(d targets.Deployment) func() error {
		return func() error {
			_, err := i.target.Deploy(t.Context(), d)
			return err
		}
	}
	destroy := func(d targets.Deployment) func() error {
		return func() error {
			_, err := i.target.Destroy(t.Context(), d.Key)
			return err
		}
	}
	atOnce := func(all ...func() error) {
		t.Helper()
		ended := make(chan error, len(all))
		for _, f := range all {
			go func() { ended <- f() }()
		}
		for range all {
			if err := <-ended; err != nil {
				t.Error(err)
			}
		}
	}
	known := func(d targets.Deployment) {
		t.Helper()
		i.d = d
		i.redirects(t)
	}
	atOnce(deploy(one), deploy(two))
	known(one)
	known(two)
	atOnce(destroy(two))
	atOnce(destroy(one), deploy(two))
	known(two)
	atOnce(destroy(two), deploy(one))
	known(one)
	atOnce(deploy(two))
	atOnce(destroy(one), destroy(two))
	if left := docker(t, "ps", "--all", "--format", "{{.Names}}"); len(left) != 0 {
		t.Errorf("containers are left: %q", left)
	}
}
