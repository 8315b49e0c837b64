//go:build e2e

package e2e

import (
	"slices"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/twofoldhq/twofold/targets/engine/enginetest"
)

// TestDockerScripts are sessions with the real binary, on an engine of the test's own.
func TestDockerScripts(t *testing.T) {
	address := enginetest.Start(t)
	p := scripts("testdata/docker")
	setup := p.Setup
	p.Setup = func(env *testscript.Env) error {
		err := setup(env)
		env.Setenv("DOCKER_HOST", address)
		return err
	}
	p.Cmds["by-hand"] = byHand
	testscript.Run(t, p)
}

// by-hand COMMAND... ROLE: runs a command on the newest container of that role that runs.
func byHand(ts *testscript.TestScript, neg bool, args []string) {
	command, role := slices.Clone(args[:len(args)-1]), args[len(args)-1]
	ts.Check(ts.Exec("docker", "ps", "--latest", "--quiet", "--filter", "status=running", "--filter", "label=dev.twofold.role="+role))
	container := strings.TrimSpace(ts.ReadFile("stdout"))
	if err := ts.Exec(command[0], append(command[1:], container)...); (err == nil) == neg {
		ts.Fatalf("%v: %v", args, err)
	}
}
