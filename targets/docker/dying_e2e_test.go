//go:build e2e

package docker

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/twofoldhq/twofold/targets"
)

// TestAnAppThatDiesIsStartedAgain has an app end by itself, and by using more than its
// memory: it comes back, and the status says why.
func TestAnAppThatDiesIsStartedAgain(t *testing.T) {
	target := newTestTarget(t, nil)
	d := deploymentOf(releases.One)
	d.Memory = 48 << 20
	st, err := target.Deploy(t.Context(), d)
	if err != nil {
		t.Fatal(err)
	}
	if st.Detail != "" {
		t.Errorf("a deployment that nothing is wrong with has the detail %q", st.Detail)
	}
	for _, c := range []struct {
		name string
		die  func(try int)
		says string
	}{
		{"it exits", func(try int) {
			if try == 0 {
				ask(t, http.MethodGet, st.URL+"/exit", "")
			}
		}, "ended and was started again"},
		{"it exits again and again", func(int) { ask(t, http.MethodGet, st.URL+"/exit", "") }, "ends again and again"},
		{"it uses too much memory", func(int) {
			// What lies in /tmp is in memory.
			text := strings.Repeat("x", 9<<20)
			for n := 0; ask(t, http.MethodPut, st.URL+"/file", url.Values{"name": {fmt.Sprint("/tmp/", n)}, "text": {text}}.Encode()); n++ {
			}
		}, "it used more than its memory of 48Mi"},
	} {
		t.Run(c.name, func(t *testing.T) {
			limited, cancel := context.WithTimeout(t.Context(), 90*time.Second)
			defer cancel()
			for try, said := 0, ""; ; try++ {
				c.die(try)
				list, err := target.Status(limited, targets.Filter{})
				if err != nil || len(list) != 1 {
					t.Fatalf("the status is %+v, %v", list, err)
				}
				if list[0].Detail != said {
					said = list[0].Detail
					t.Logf("%s, %d instances: %s", list[0].State, list[0].Instances, said)
				}
				if strings.Contains(said, c.says) && strings.Contains(said, "twofold logs api") {
					break
				}
				if limited.Err() != nil {
					t.Fatalf("the status says %q, and never %q", said, c.says)
				}
			}
			await(t, st.URL+"/version", "one")
		})
	}
	now := awaitInstances(t, target, 1)
	if now.State != targets.Running {
		t.Errorf("afterwards it is %s: %s", now.State, now.Detail)
	}
}

// ask sends a request, and reports whether the app answered it.
func ask(t *testing.T, method, url, form string) bool {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(form))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return false
	}
	resp.Body.Close()
	return resp.StatusCode == http.StatusOK
}
