//go:build e2e

package e2e

import (
	"context"
	"io"
	"net/http"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/twofoldhq/twofold/targets/conformance"
	"github.com/twofoldhq/twofold/targets/kubernetes/kubetest"
)

// loadRate is how many requests a second come while a script deploys.
const loadRate = 200

// TestKubernetesScripts are sessions with the real binary, on a real cluster.
func TestKubernetesScripts(t *testing.T) {
	c, err := kubetest.Start(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Stop(); err != nil {
			t.Error(err)
		}
	})
	for _, args := range [][]string{{"create", "namespace", "shop"}, {"config", "set-context", "--current", "--namespace", "shop"}} {
		if out, err := c.Kubectl(t.Context(), args...).CombinedOutput(); err != nil {
			t.Fatalf("kubectl %q: %v\n%s", args, err, out)
		}
	}
	p := scripts("testdata/kubernetes")
	setup := p.Setup
	p.Setup = func(env *testscript.Env) error {
		if err := setup(env); err != nil {
			return err
		}
		env.Setenv("PATH", env.Getenv("PATH")+string(filepath.ListSeparator)+filepath.Dir(c.Kubectl(t.Context()).Path))
		env.Setenv("KUBECONFIG", c.Kubeconfig)
		env.Setenv("TWOFOLD_VAR_registry", c.Registry+"/shop")
		return nil
	}
	for name, command := range clusterCommands() {
		p.Cmds[name] = command
	}
	testscript.Run(t, p)
}

func clusterCommands() map[string]func(*testscript.TestScript, bool, []string) {
	var load *conformance.Load
	return map[string]func(*testscript.TestScript, bool, []string){
		// visit PATH TEXT: asks the service's URL until the answer holds the text; the
		// node hears of changes a moment later.
		"visit": func(ts *testscript.TestScript, neg bool, args []string) {
			url, body := nodeURL(ts)+args[0], ""
			for end := time.Now().Add(30 * time.Second); time.Now().Before(end); {
				answer, err := http.Get(url)
				if err != nil {
					continue
				}
				text, err := io.ReadAll(answer.Body)
				answer.Body.Close()
				if body = string(text); err == nil && strings.Contains(body, args[1]) {
					return
				}
			}
			ts.Fatalf("%s does not answer %q, but %q", url, args[1], body)
		},
		// load: requests come until no-request-lost.
		"load": func(ts *testscript.TestScript, neg bool, args []string) {
			load = conformance.StartLoad(context.Background(), nodeURL(ts)+"/", loadRate)
			ts.Defer(load.Stop)
		},
		"no-request-lost": func(ts *testscript.TestScript, neg bool, args []string) {
			load.Stop()
			text, failed := load.Result()
			ts.Logf("%s", text)
			if failed > 0 {
				ts.Fatalf("%d requests failed: %s", failed, text)
			}
		},
	}
}

var nodeURLPattern = regexp.MustCompile(`http://[0-9.]+:\d+`)

func nodeURL(ts *testscript.TestScript) string {
	cmd := exec.Command(filepath.Join(binary, "twofold"), "status", "--json")
	cmd.Dir = ts.MkAbs(".")
	cmd.Env = append(environOf(ts), "KUBECONFIG="+ts.Getenv("KUBECONFIG"), "TWOFOLD_VAR_registry="+ts.Getenv("TWOFOLD_VAR_registry"))
	out, err := cmd.Output()
	ts.Check(err)
	return nodeURLPattern.FindString(string(out))
}
