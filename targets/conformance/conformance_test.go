package conformance

import (
	"slices"
	"testing"
	"time"
)

// run returns the checks that find something wrong with a fake.
func run(t *testing.T, f faults, only string) []string {
	t.Helper()
	target := newFake(f)
	t.Cleanup(func() {
		for _, d := range target.deployments {
			d.server.CloseClientConnections()
			d.server.Close()
		}
	})
	var names []string
	for _, finding := range Run(t.Context(), Config{
		Target: target, Releases: target.releases, Start: time.Second, Rate: 100, settle: 500 * time.Millisecond, only: only,
		SetSecret: target.setSecret, Volumes: true, Schedules: true, Send: target.send, Queue: "messages", minute: 500 * time.Millisecond,
	}) {
		t.Log(finding)
		if !slices.Contains(names, finding.Check) {
			names = append(names, finding.Check)
		}
	}
	return names
}

func TestTargetThatKeepsTheContractHasNoFindings(t *testing.T) {
	if found := run(t, faults{}, ""); found != nil {
		t.Errorf("findings in %q", found)
	}
}

func TestTargetThatRunsNoCommandsKeepsTheContract(t *testing.T) {
	if found := run(t, faults{undeclaredRun: true}, "a command runs once in the release"); found != nil {
		t.Errorf("findings in %q", found)
	}
}

func TestTargetsThatExecLessKeepTheContract(t *testing.T) {
	for name, f := range map[string]execFaults{"no exec": {undeclared: true}, "one stream": {oneStream: true}} {
		if found := run(t, faults{exec: f}, "a command runs once in the release"); found != nil {
			t.Errorf("%s: findings in %q", name, found)
		}
	}
}

const rollbackCheck = "rollback runs an earlier release again"

func TestTargetWithoutRollbackKeepsTheContract(t *testing.T) {
	if found := run(t, faults{undeclaredBack: true}, rollbackCheck); found != nil {
		t.Errorf("findings in %q", found)
	}
}

func TestBrokenTargetsAreFound(t *testing.T) {
	for _, test := range []struct {
		name   string
		faults faults
		check  string
	}{
		{"starts again what runs", faults{alwaysChanged: true}, "deploy twice changes nothing"},
		{"drops requests on a switch", faults{dropsOnSwitch: true}, "a new release replaces the old without a failed request"},
		{"cuts requests in flight", faults{cutsInFlight: true}, "a new release replaces the old without a failed request"},
		{"replaces before the app is ready", faults{replacesTooEarly: true}, "a release that does not get ready leaves the old one"},
		{"leaves a first deploy that failed", faults{replacesTooEarly: true}, "a first deploy that fails leaves nothing"},
		{"takes a cancelled deploy to its end", faults{ignoresCancel: true}, "a cancelled deploy leaves the old one"},
		{"refuses the second deploy", faults{refusesTheSecond: true}, "two deploys at once leave one of both"},
		{"does not destroy", faults{forgetsToDestroy: true}, "destroy removes, and destroy twice is no error"},
		{"fails for what does not exist", faults{failsOnUnknown: true}, "what does not exist is no error"},
		{"hides the app's output", faults{hidesOutput: true}, "a release that does not get ready leaves the old one"},
		{"has empty logs", faults{emptyLogs: true}, "logs hold what the app printed"},
		{"answers no event", faults{echoesNothing: true}, "invoke reaches the app"},
		{"shows the env", faults{leaksEnv: true}, "a changed env reaches the app and nobody else"},
		{"shows what was sensitive before", faults{forgetsSensitive: true}, "a changed env reaches the app and nobody else"},
		{"shows a secret", faults{leaksSecret: true}, "a secret reaches the app and nobody else"},
		{"loses a secret", faults{losesSecret: true}, "a secret reaches the app and nobody else"},
		{"takes a secret that does not exist", faults{inventsSecret: true}, "a secret reaches the app and nobody else"},
		{"loses a volume", faults{losesVolume: true}, "a volume outlives a release"},
		{"lets the app write what is read-only", faults{ignoresReadOnly: true}, "a volume outlives a release"},
		{"fires nothing", faults{neverFires: true}, "a schedule fires"},
		{"fires with no JSON", faults{firesText: true}, "a schedule fires"},
		{"takes no messages after a switch", faults{losesMessages: true}, "a queue's messages reach the release that serves"},
		{"runs a command in another release", faults{runsOldRelease: true}, "a command runs once in the release"},
		{"takes a failed command for done", faults{forgetsStatus: true}, "a command runs once in the release"},
		{"goes back to what runs", faults{alwaysRollsBack: true}, rollbackCheck},
		{"goes back to what never ran", faults{rollsBackToAny: true}, rollbackCheck},
		{"forgets earlier releases", faults{forgetsEarlier: true}, rollbackCheck},
		{"carries no input", faults{exec: execFaults{readsNothing: true}}, "a command runs once in the release"},
		{"hides the end of the input", faults{exec: execFaults{neverEnds: true}}, "a command runs once in the release"},
		{"prints lines, not bytes", faults{exec: execFaults{linesOnly: true}}, "a command runs once in the release"},
		{"passes on no exit status", faults{exec: execFaults{statusOne: true}}, "a command runs once in the release"},
		{"does not end a cancelled exec", faults{exec: execFaults{runsOn: true}}, "a command runs once in the release"},
		{"gives no terminal", faults{exec: execFaults{noTerminal: true}}, "a command runs once in the release"},
		{"keeps the size of the terminal", faults{exec: execFaults{keepsTheOldSize: true}}, "a command runs once in the release"},
		{"runs what is not deployed", faults{exec: execFaults{execsAnything: true}}, "a command runs once in the release"},
		{"does not end a cancelled command", faults{runsOn: true}, "a command runs once in the release"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			if found := run(t, test.faults, test.check); !slices.Contains(found, test.check) {
				t.Errorf("findings in %q, want one in %q", found, test.check)
			}
		})
	}
}
