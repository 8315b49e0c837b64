//go:build e2e

package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/twofoldhq/twofold/targets/conformance"
	"github.com/twofoldhq/twofold/targets/engine/enginetest"
)

// machine is one of several from which the same service is deployed.
type machine struct {
	dir, home, engine string
	answers           string // what its release answers
}

func newMachine(t *testing.T, engine, version string) *machine {
	t.Helper()
	m := &machine{dir: t.TempDir(), home: t.TempDir(), engine: engine}
	for to, from := range map[string]string{"go.mod": "service/go.mod.tmpl", "main.go": "service/main.go.tmpl", "twofold.hcl": "service/twofold.hcl"} {
		text, err := os.ReadFile(from)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(m.dir, to), text, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	m.answers = version + `, greeting "hello", path /` + "\n"
	if version != "version 1" {
		replaceInFile(t, filepath.Join(m.dir, "main.go"), "version 1", version)
	}
	replaceInFile(t, filepath.Join(m.dir, "twofold.hcl"), `(?s)$`, "\ntarget \"docker\" \"server\" {\n  ports = { api = \"28090\" }\n}\n")
	return m
}

// twofold is the real binary, on the machine.
func (m *machine) twofold(args ...string) *exec.Cmd {
	cmd := exec.Command(filepath.Join(binary, "twofold"), args...)
	cmd.Dir = m.dir
	cmd.Env = append(os.Environ(), "TWOFOLD_STATE_DIR="+m.home, "NO_COLOR=1", "DOCKER_HOST="+m.engine)
	return cmd
}

// deployAtOnce deploys from all machines at the same time.
func deployAtOnce(t *testing.T, machines ...*machine) {
	t.Helper()
	ended := make(chan error, len(machines))
	for _, m := range machines {
		go func() {
			out, err := m.twofold("deploy", "--to", "docker.server").CombinedOutput()
			if err != nil {
				t.Logf("%s", out)
			}
			ended <- err
		}()
	}
	for range machines {
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}
}

// TestTwoMachinesDeployAtOnce has two machines that deploy the same service, first of all
// and over a release that serves: both end well, and what one of them wants is whole.
func TestTwoMachinesDeployAtOnce(t *testing.T) {
	engine := enginetest.Start(t)
	t.Setenv("DOCKER_HOST", engine)
	one, two, third := newMachine(t, engine, "version 1"), newMachine(t, engine, "version 2"), newMachine(t, engine, "version 1")
	const url = "http://127.0.0.1:28090/"
	whole := func(t *testing.T, machines ...*machine) {
		t.Helper()
		got := body(t, url)
		same := 0
		for _, m := range machines {
			out, err := m.twofold("plan", "--detailed-exitcode", "--to", "docker.server").CombinedOutput()
			switch {
			case got == m.answers && err != nil:
				t.Errorf("%q answers, and for its machine there is to do:\n%s", got, out)
			case got == m.answers:
				same++
			case err == nil:
				t.Errorf("%q answers, and another machine has nothing to do:\n%s", got, out)
			}
		}
		if same == 0 {
			t.Errorf("%q answers, which nobody wants", got)
		}
		for role, most := range map[string]int{"app": 1, "gateway": 1} {
			out, err := exec.Command("docker", "ps", "--quiet", "--filter", "label=dev.twofold.role="+role).Output()
			if n := len(strings.Fields(string(out))); err != nil || n != most {
				t.Errorf("%d containers of role %s run (%v)", n, role, err)
			}
		}
	}
	for _, c := range []struct {
		name     string
		machines []*machine
	}{
		{"first deploys of two releases", []*machine{one, two}},
		{"first deploys of one release", []*machine{one, third}},
	} {
		t.Run(c.name, func(t *testing.T) {
			deployAtOnce(t, c.machines...)
			whole(t, c.machines...)
			if out, err := one.twofold("destroy", "--yes", "--to", "docker.server").CombinedOutput(); err != nil {
				t.Fatalf("%v\n%s", err, out)
			}
		})
	}
	deployAtOnce(t, one)
	load := conformance.StartLoad(t.Context(), url, 200)
	defer load.Stop()
	if err := load.Await(t.Context(), one.answers, 100); err != nil {
		t.Fatal(err)
	}
	for _, machines := range [][]*machine{{one, two}, {two, one}, {one, third}, {one, two, third}} {
		deployAtOnce(t, machines...)
		whole(t, machines...)
	}
	text, failed := load.Result()
	t.Log(text)
	if failed > 0 {
		t.Errorf("%d requests failed", failed)
	}
}
