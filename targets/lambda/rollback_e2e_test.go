//go:build e2e

package lambda

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twofoldhq/twofold/manifest/schema"
	"github.com/twofoldhq/twofold/targets"
)

// names are those of earlier versions.
func names(list []targets.Earlier) string {
	var words []string
	for _, e := range list {
		words = append(words, e.Name)
	}
	return strings.Join(words, ", ")
}

func TestRollbackGoesBackStepByStep(t *testing.T) {
	d := twoReleases(t, 1) // version 1
	target := quick(t, nil)
	d.Rollout = targets.Rollout{}
	back := func(release string) (targets.Status, error) {
		return target.rollback(t.Context(), targets.RollbackRequest{Key: d.Key, Release: release})
	}
	if _, err := back(""); err == nil || !strings.Contains(err.Error(), "no release ran before") {
		t.Errorf("rollback of the first release: %v", err)
	}
	if _, err := target.Deploy(t.Context(), d); err != nil { // version 2
		t.Fatal(err)
	}
	// A version that was never healthy is none to go back to.
	broken := d
	broken.Memory = 1024 << 20
	motoCloud.set(nil, func(string, string, []byte) ([]byte, bool) { return []byte(`{"statusCode":500}`), false })
	if _, err := target.Deploy(t.Context(), broken); err == nil { // version 3
		t.Fatal("a deploy of what is not healthy returns no error")
	}
	motoCloud.set(nil, healthyApp)
	third := d
	third.Memory = 512 << 20
	st, err := target.Deploy(t.Context(), third) // version 4
	if err != nil || names(st.Earlier) != "version 2, version 1" {
		t.Fatalf("deploy: %+v, %v", st, err)
	}
	motoCloud.set(nil, healthyApp)
	st, err = back("")
	if err != nil || !st.Changed || names(st.Earlier) != "version 4, version 1" {
		t.Errorf("rollback: %+v, %v", st, err)
	}
	sameMoves(t, "2")
	for _, c := range motoCloud.made() {
		if strings.HasSuffix(c.target, "/code") || strings.HasSuffix(c.target, "/versions") && c.method != http.MethodGet {
			t.Errorf("a rollback sends %s", c)
		}
	}
	if st, err = back(""); err != nil || !strings.HasPrefix(st.Runner, "version 1,") || st.Release != releases.One.Digest {
		t.Errorf("rollback again: %+v, %v", st, err)
	}
	if _, err := back(""); err == nil || !strings.Contains(err.Error(), "no release ran before") || !strings.Contains(err.Error(), "version 4") {
		t.Errorf("rollback from the first one: %v", err)
	}
	if st, err := back(releases.One.Digest[:15]); err != nil || st.Changed {
		t.Errorf("rollback to what runs: %+v, %v", st, err)
	}
	if st, err = back(strings.TrimPrefix(releases.Two.Digest, "sha256:")[:12]); err != nil || !strings.HasPrefix(st.Runner, "version 4,") {
		t.Errorf("rollback to a release: %+v, %v", st, err)
	}
	if _, err := back("feedbeef"); err == nil || !strings.Contains(err.Error(), `no release "feedbeef"`) || !strings.Contains(err.Error(), releases.One.Digest) {
		t.Errorf("rollback to what is not there: %v", err)
	}
	if _, err := back("sha256:"); err == nil || !strings.Contains(err.Error(), "more than one release") {
		t.Errorf("rollback to what is ambiguous: %v", err)
	}
	converges(t, d)
	if _, err := back(""); err == nil || !strings.Contains(err.Error(), "deploy it first") {
		t.Errorf("rollback of what is not deployed: %v", err)
	}
}

func TestRollbackAsksForHealthFirst(t *testing.T) {
	d := twoReleases(t, 1)
	d.Rollout = targets.Rollout{}
	target := quick(t, nil)
	if _, err := target.Deploy(t.Context(), d); err != nil {
		t.Fatal(err)
	}
	motoCloud.set(nil, func(_, _ string, event []byte) ([]byte, bool) {
		if !strings.Contains(string(event), `"rawPath":"/healthz"`) {
			t.Errorf("the version is asked with %s", event)
		}
		return []byte(`{"statusCode":500}`), false
	})
	_, err := target.rollback(t.Context(), targets.RollbackRequest{Key: d.Key})
	var unhealthy *targets.NotHealthyError
	if !errors.As(err, &unhealthy) {
		t.Errorf("rollback: %v", err)
	}
	sameMoves(t)
	converges(t, d)
}

func TestRollbackStopsARollout(t *testing.T) {
	d := twoReleases(t, 1)
	d.Rollout.Wait = time.Hour
	ctx, kill := context.WithCancel(t.Context())
	defer kill()
	var killed atomic.Bool
	motoCloud.set(func(c call) verdict {
		if killed.Load() {
			return verdict{before: true}
		}
		if c.method == http.MethodPut && strings.Contains(string(c.body), `0.1`) {
			return verdict{edit: func(*http.Response, []byte) []byte {
				killed.Store(true)
				kill()
				panic(http.ErrAbortHandler)
			}}
		}
		return verdict{}
	}, healthyApp)
	if _, err := quick(t, nil).Deploy(ctx, d); err == nil {
		t.Fatal("a deploy that was killed returns no error")
	}
	motoCloud.set(nil, healthyApp)
	st, err := quick(t, nil).rollback(t.Context(), targets.RollbackRequest{Key: d.Key})
	if err != nil || !st.Changed || st.Release != releases.One.Digest || len(st.Traffic) > 0 {
		t.Errorf("rollback: %+v, %v", st, err)
	}
	sameMoves(t, "1")
	d.Rollout.Wait = time.Millisecond
	converges(t, d)
}

func TestOldVersionsAreDeleted(t *testing.T) {
	motoCloud.set(nil, healthyApp)
	target, d := quick(t, schema.Values{"keep_releases": int64(2)}), deploymentOf(environmentOf(t, 1))
	for n := range 4 {
		d.Memory = int64(256+n) << 20
		motoCloud.set(nil, healthyApp)
		st, err := target.Deploy(t.Context(), d)
		if err != nil {
			t.Fatal(err)
		}
		if n == 3 && names(st.Earlier) != "version 3, version 2" {
			t.Errorf("earlier: %s", names(st.Earlier))
		}
	}
	deleted := 0
	for _, c := range motoCloud.made() {
		if c.method == http.MethodDelete {
			deleted++
			if !strings.HasSuffix(c.target, "?Qualifier=1") {
				t.Errorf("it deletes %s", c)
			}
		}
	}
	if deleted != 1 {
		t.Errorf("%d versions are deleted, want 1", deleted)
	}
	if _, err := target.Destroy(t.Context(), d.Key); err != nil {
		t.Error(err)
	}
}

func TestAFailureToDeleteOldVersionsIsAWarning(t *testing.T) {
	motoCloud.set(nil, healthyApp)
	target, d := quick(t, schema.Values{"keep_releases": int64(1)}), deploymentOf(environmentOf(t, 1))
	var warnings []string
	d.Events = func(e targets.Event) {
		if e.Warning {
			warnings = append(warnings, e.Message)
		}
	}
	for n := range 3 {
		d.Memory = int64(256+n) << 20
		motoCloud.set(func(c call) verdict {
			if c.method == http.MethodDelete {
				return verdict{answer: awsError(http.StatusForbidden, "AccessDeniedException", "no")}
			}
			return verdict{}
		}, healthyApp)
		if _, err := target.Deploy(t.Context(), d); err != nil {
			t.Fatal(err)
		}
	}
	if len(warnings) != 1 || !strings.Contains(warnings[0], "old versions are still there") {
		t.Errorf("warnings: %q", warnings)
	}
	converges(t, d)
}
