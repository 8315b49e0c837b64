//go:build e2e

package docker

import (
	"context"
	"crypto/tls"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	imageregistry "github.com/google/go-containerregistry/pkg/registry"

	"github.com/twofoldhq/twofold/manifest/schema"
	"github.com/twofoldhq/twofold/release"
	"github.com/twofoldhq/twofold/targets"
)

func deploymentOf(r *release.Release) targets.Deployment {
	return targets.Deployment{
		Key:     targets.Key{Project: "shop", Service: "api", Environment: "prod"},
		Release: r, Port: 8080, Health: "/healthz", Start: 20 * time.Second,
	}
}

func answer(t *testing.T, url string) string {
	t.Helper()
	resp, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

func TestTheEngineTakesImagesFromARegistry(t *testing.T) {
	manifests := 0
	handler := imageregistry.New(imageregistry.Logger(log.New(io.Discard, "", 0)))
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodGet && strings.Contains(r.URL.Path, "/manifests/") && strings.HasPrefix(r.UserAgent(), "docker/") {
			manifests++
		}
		handler.ServeHTTP(w, r)
	}))
	defer server.Close()
	target := newTestTarget(t, schema.Values{"registry": strings.TrimPrefix(server.URL, "http://") + "/team"})
	st, err := target.Deploy(t.Context(), deploymentOf(releases.One))
	if err != nil {
		t.Fatal(err)
	}
	if got := answer(t, st.URL+"/version"); got != "one" {
		t.Errorf("GET /version answers %q", got)
	}
	if manifests == 0 {
		t.Error("the engine asked the registry for nothing")
	}
}

// TestWhatRanComesBack restarts the engine's containers as a reboot of its machine
// does, and takes things away by hand.
func TestWhatRanComesBack(t *testing.T) {
	target := newTestTarget(t, nil)
	d := deploymentOf(releases.One)
	d.Scale.Min = 2
	st, err := target.Deploy(t.Context(), d)
	if err != nil {
		t.Fatal(err)
	}
	if st.Instances != 2 {
		t.Errorf("%d instances run", st.Instances)
	}
	docker(t, append([]string{"restart"}, docker(t, "ps", "--quiet")...)...)
	await(t, st.URL+"/version", "one")
	apps := docker(t, "ps", "--quiet", "--filter", "label="+labelRole+"="+roleApp)
	docker(t, "kill", apps[0])
	if p, err := target.Plan(t.Context(), d); err != nil || p.Action != targets.ActionUpdate {
		t.Errorf("after a container was killed by hand the plan is %+v, %v", p, err)
	}
	if got := answer(t, st.URL+"/version"); got != "one" {
		t.Errorf("with one container GET /version answers %q", got)
	}
	docker(t, "update", "--memory", "64m", "--memory-swap", "64m", apps[1])
	p, err := target.Plan(t.Context(), d)
	if err != nil || len(p.Changes) != 2 || p.Changes[0].Name != "memory" {
		t.Errorf("after a change by hand the plan is %+v, %v", p, err)
	}
	if again, err := target.Deploy(t.Context(), d); err != nil || !again.Changed || again.Instances != 2 {
		t.Errorf("the next deploy: %+v, %v", again, err)
	}
	if p, err := target.Plan(t.Context(), d); err != nil || p.Action != targets.ActionNone {
		t.Errorf("after it the plan is %+v, %v", p, err)
	}
}

// await asks until the app answers: it starts again.
func await(t *testing.T, url, want string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
		if err != nil {
			t.Fatal(err)
		}
		if resp, err := http.DefaultClient.Do(req); err == nil {
			body, _ := io.ReadAll(resp.Body)
			resp.Body.Close()
			if string(body) == want {
				return
			}
		}
		if ctx.Err() != nil {
			t.Fatalf("%s does not answer %q again", url, want)
		}
	}
}

func TestAHostNameIsReachedOverTLS(t *testing.T) {
	target := newTestTarget(t, schema.Values{"http_port": int64(28080), "https_port": int64(28443), "acme_directory": "https://127.0.0.1:1/directory"})
	d := deploymentOf(releases.One)
	d.Domain = "shop.example.com"
	var warnings []string
	d.Events = func(e targets.Event) {
		if e.Warning {
			warnings = append(warnings, e.Message)
		}
	}
	st, err := target.Deploy(t.Context(), d)
	if err != nil {
		t.Fatal(err)
	}
	if st.URL != "https://shop.example.com:28443" {
		t.Errorf("the URL is %s", st.URL)
	}
	if text := strings.Join(warnings, "\n"); !strings.Contains(text, "obtain the certificate of shop.example.com") {
		t.Errorf("the authority does not answer, and the warnings are %q", text)
	}
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://127.0.0.1:28080/x?y=1", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Host = d.Domain
	resp, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusPermanentRedirect || resp.Header.Get("Location") != "https://shop.example.com:28443/x?y=1" {
		t.Errorf("a plain request gets %d to %q", resp.StatusCode, resp.Header.Get("Location"))
	}
	if _, err := tls.Dial("tcp", "127.0.0.1:28443", &tls.Config{ServerName: "other.example.com", InsecureSkipVerify: true}); err == nil {
		t.Error("a name that nothing is deployed at gets a certificate")
	}
	d.Domain = ""
	if st, err = target.Deploy(t.Context(), d); err != nil || !st.Changed || strings.HasPrefix(st.URL, "https") {
		t.Errorf("without the domain: %+v, %v", st, err)
	}
	if left := docker(t, "ps", "--all", "--quiet", "--filter", "name="+edgeName); len(left) != 0 {
		t.Error("the gateway of the host names is left")
	}
}
