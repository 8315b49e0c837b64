//go:build e2e

package docker

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/twofoldhq/twofold/manifest/schema"
	"github.com/twofoldhq/twofold/release"
	"github.com/twofoldhq/twofold/targets"
	"github.com/twofoldhq/twofold/targets/engine/enginetest"
)

// interruptions are what the tests of killed deploys work with.
type interruptions struct {
	wire   *wire
	target *Target
	d      targets.Deployment
}

func newInterruptions(t *testing.T) *interruptions {
	t.Helper()
	engine := enginetest.Start(t)
	t.Setenv("DOCKER_HOST", engine) // for the docker command
	w := startWire(t, engine)
	i := &interruptions{wire: w, target: targetOf(t, schema.Values{"host": w.address, "keep_releases": int64(1)}), d: deploymentOf(releases.One)}
	i.d.Dir = t.TempDir()
	if _, err := setSecret(i.d.Dir)(t.Context(), "TOKEN", "hunter2"); err != nil {
		t.Fatal(err)
	}
	i.d.Secrets = []targets.Secret{{Name: "TOKEN", From: "shop/TOKEN"}}
	i.d.Volumes = []targets.Volume{{Name: "data", Path: "/data"}}
	return i
}

// cutOff deploys a release that is cut off at a point.
func (i *interruptions) cutOff(t *testing.T, r *release.Release, at point) {
	t.Helper()
	i.cutOffIn(t, at, func() error {
		d := i.d
		d.Release = r
		_, err := i.target.Deploy(t.Context(), d)
		return err
	})
}

// cutOffIn cuts an operation off at a point.
func (i *interruptions) cutOffIn(t *testing.T, at point, operation func() error) {
	t.Helper()
	i.wire.set(at)
	err := operation()
	if _, cut := i.wire.made(); !cut {
		t.Fatalf("it was not cut off; it ended with %v", err)
	}
	if err == nil {
		t.Error("what was cut off returns no error")
	}
}

// calls are those of an operation that nothing disturbs.
func (i *interruptions) calls(t *testing.T, operation func() error) []string {
	t.Helper()
	i.wire.set(point{})
	if err := operation(); err != nil {
		t.Fatal(err)
	}
	calls, _ := i.wire.made()
	return calls
}

// converges deploys a release undisturbed, and checks that nothing is left over.
func (i *interruptions) converges(t *testing.T, r *release.Release, answers string) targets.Status {
	t.Helper()
	i.wire.set(point{})
	i.d.Release = r
	st, err := i.target.Deploy(t.Context(), i.d)
	if err != nil {
		t.Fatalf("the next deploy: %v", err)
	}
	base := i.base(st)
	if got := answer(t, base+"/version"); got != answers || st.State != targets.Running {
		t.Errorf("after the next deploy the app answers %q and is %v (%s)", got, st.State, st.Detail)
	}
	if got := answer(t, base+"/env?name=TOKEN"); got != "hunter2" {
		t.Errorf("after the next deploy the secret is %q", got)
	}
	i.writes(t, base)
	if p, err := i.target.Plan(t.Context(), i.d); err != nil || p.Action != targets.ActionNone {
		t.Errorf("after the next deploy the plan is %+v, %v", p, err)
	}
	apps := docker(t, "ps", "--all", "--quiet", "--filter", "label="+labelRole+"="+roleApp)
	all := docker(t, "ps", "--all", "--format", "{{.Names}}")
	secrets := docker(t, "volume", "ls", "--quiet", "--filter", "label="+labelRole+"="+roleSecrets)
	gateways, replicas := 1, max(i.d.Scale.Min, 1)
	if i.d.Domain != "" {
		gateways++
	}
	if len(apps) > 2*replicas || len(all) != len(apps)+gateways || len(secrets)*replicas != len(apps) {
		t.Errorf("after the next deploy there are containers %q and volumes %q", all, secrets)
	}
	return st
}

// base is the URL at which the deployment answers without TLS.
func (i *interruptions) base(st targets.Status) string {
	if port := i.target.settings.port(i.d.Service); port != 0 {
		return fmt.Sprintf("http://127.0.0.1:%d", port)
	}
	return st.URL
}

// writes checks that the app owns its volume.
func (i *interruptions) writes(t *testing.T, base string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPut, base+"/file?name="+url.QueryEscape("/data/note")+"&text=kept", nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		t.Errorf("the app cannot write into its volume: %s", resp.Status)
	}
}

func (i *interruptions) destroy(t *testing.T) {
	t.Helper()
	i.wire.set(point{})
	if _, err := i.target.Destroy(t.Context(), i.d.Key); err != nil {
		t.Fatal(err)
	}
	if left := docker(t, "ps", "--all", "--format", "{{.Names}}"); len(left) != 0 {
		t.Errorf("containers after destroy: %q", left)
	}
	docker(t, append([]string{"volume", "rm", "--force"}, docker(t, "volume", "ls", "--quiet")...)...)
}

// points are those of calls.
func points(calls []string) (list []point) {
	for n := range calls {
		list = append(list, point{call: n + 1}, point{call: n + 1, after: true})
	}
	return list
}

func (p point) name(calls []string) string {
	when := "before"
	if p.after {
		when = "after"
	}
	return fmt.Sprintf("%s call %d %s", when, p.call, strings.ReplaceAll(calls[p.call-1], "/", " "))
}

// upTo are the calls until the route moves, and that one.
func upTo(calls []string, last string) []string {
	return calls[:slices.Index(calls, last)+1]
}

func TestAFirstDeployThatIsKilledAnywhereIsFinishedByTheNext(t *testing.T) {
	i := newInterruptions(t)
	i.converges(t, releases.One, "one")
	i.destroy(t)
	i.converges(t, releases.One, "one") // now the engine has the gateway's image
	calls, _ := i.wire.made()
	calls = upTo(calls, "gateway set")
	i.destroy(t)
	list := some(points(calls))
	for _, p := range list {
		t.Run(p.name(calls), func(t *testing.T) {
			i.cutOff(t, releases.One, p)
			i.converges(t, releases.One, "one")
			i.destroy(t)
		})
	}
	t.Logf("%d points of %d of a first deploy", len(list), len(points(calls)))
}

// TestADeployThatIsKilledAnywhereLosesNoRequest replaces a release by another, is
// killed, and replaces it again, while requests come.
func TestADeployThatIsKilledAnywhereLosesNoRequest(t *testing.T) {
	i := newInterruptions(t)
	i.converges(t, releases.One, "one")
	i.converges(t, releases.Two, "two")
	st := i.converges(t, releases.One, "one")
	calls, _ := i.wire.made()
	set := slices.Index(calls, "gateway set") + 1
	l := startLoad(t, st.URL+"/version", 50)
	next := map[string]*release.Release{"one": releases.Two, "two": releases.One}
	now := "one"
	list := some(points(calls))
	for _, p := range list {
		t.Run(p.name(calls), func(t *testing.T) {
			to := next[now]
			other := map[string]string{"one": "two", "two": "one"}[now]
			i.cutOff(t, to, p)
			if before := p.call < set || p.call == set && !p.after; before {
				if got := answer(t, st.URL+"/version"); got != now {
					t.Errorf("before the route has moved, %q answers, and not %q", got, now)
				}
			}
			i.converges(t, to, other)
			now = other
		})
	}
	checkLoad(t, l, fmt.Sprintf("deploys killed at %d points of %d", len(list), len(points(calls))))
}
