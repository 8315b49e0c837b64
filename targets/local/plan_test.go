package local

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/twofoldhq/twofold/targets"
	"github.com/twofoldhq/twofold/targets/secretfile"
)

// planned returns the changes of a plan, a line each.
func planned(t *testing.T, target targets.Target, d targets.Deployment) string {
	t.Helper()
	p, err := target.Plan(t.Context(), d)
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	fmt.Fprintln(&b, p.Action)
	for _, c := range p.Changes {
		fmt.Fprintf(&b, "%s: %s -> %s\n", c.Name, c.Before, c.After)
	}
	return b.String()
}

func TestPlanShowsWhatIsNotSensitive(t *testing.T) {
	container, _ := newTargets(t)
	d := deploymentOf(t)
	d.Dir = t.TempDir()
	d.Secrets = []targets.Secret{{Name: "PASSWORD", From: "shop/password"}, {Name: "TOKEN", From: "shop/token"}}
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(d.Dir, secretfile.FileName), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("PASSWORD=hunter1\nTOKEN=hunter1")
	d.Env = map[string]string{"LOG_LEVEL": "info", "KEY": "hunter1", "BECOMES": "hunter1", "WAS": "hunter1", "SAME": "x"}
	d.Sensitive = []string{"KEY", "WAS"}
	if _, err := container.Deploy(t.Context(), d); err != nil {
		t.Fatal(err)
	}
	if got := planned(t, container, d); got != "none\n" {
		t.Errorf("plan of what runs: %s", got)
	}

	write("PASSWORD=hunter2\nTOKEN=hunter1")
	d.Env = map[string]string{"LOG_LEVEL": "warn", "KEY": "hunter2", "BECOMES": "hunter2", "WAS": "hunter2", "SAME": "x", "NEW": "y"}
	d.Sensitive = []string{"KEY", "BECOMES"}
	d.Volumes = []targets.Volume{{Name: "data", Path: "/mnt/data", ReadOnly: true}}
	d.Schedules = []targets.Schedule{{Name: "nightly", Cron: "0 3 * * *", Zone: "UTC", Path: "/nightly"}}
	const hidden = "(sensitive) -> (sensitive)\n"
	want := "update\n" +
		"env.BECOMES: " + hidden + "env.KEY: " + hidden + "env.LOG_LEVEL: info -> warn\nenv.NEW:  -> y\nenv.WAS: " + hidden +
		"schedule.nightly.cron:  -> 0 3 * * *\nschedule.nightly.path:  -> /nightly\nschedule.nightly.zone:  -> UTC\n" +
		"secret.PASSWORD: " + hidden +
		"volume.data.path:  -> /mnt/data\nvolume.data.read_only:  -> true\n"
	if got := planned(t, container, d); got != want {
		t.Errorf("the plan is\n%s\nwant\n%s", got, want)
	}
}

func TestSecretComesFromTheEnvironmentOfTheDeploy(t *testing.T) {
	container, function := newTargets(t)
	d := deploymentOf(t)
	d.Dir = t.TempDir()
	d.Secrets = []targets.Secret{{Name: "PASSWORD", From: "shop/password"}}
	for _, target := range []targets.Target{container, function} {
		for op, err := range map[string]error{
			"deploy": func() error { _, err := target.Deploy(t.Context(), d); return err }(),
			"plan":   func() error { _, err := target.Plan(t.Context(), d); return err }(),
			"run":    targets.Run(t.Context(), target, targets.RunRequest{Deployment: d, Command: []string{"./server", "show", "X"}}),
		} {
			for _, part := range []string{target.Info().Address() + ": " + op, `"PASSWORD" (from "shop/password")`, secretfile.FileName} {
				if err == nil || !strings.Contains(err.Error(), part) {
					t.Errorf("%s without a value: %v, want it to say %s", op, err, part)
				}
			}
		}
	}
	t.Setenv("PASSWORD", "hunter1")
	for _, target := range []targets.Target{container, function} {
		st, err := target.Deploy(t.Context(), d)
		if err != nil {
			t.Fatal(err)
		}
		if got := get(t, st.URL+"/env?name=PASSWORD"); got != "hunter1" {
			t.Errorf("the app sees %q", got)
		}
	}
	d.Env = map[string]string{"PASSWORD": "x"}
	if _, err := container.Deploy(t.Context(), d); err == nil || !strings.Contains(err.Error(), "PASSWORD is a secret and a variable") {
		t.Errorf("a secret that is a variable too: %v", err)
	}
}

func TestDeployWarnsOfWhatThisMachineDoesNotDo(t *testing.T) {
	container, function := newTargets(t)
	for _, target := range []targets.Target{container, function} {
		var warnings []string
		d := deploymentOf(t)
		d.Dir, d.TriggersOnly = t.TempDir(), true
		if err := os.WriteFile(filepath.Join(d.Dir, secretfile.FileName), []byte("PASSWORD=x"), 0o644); err != nil {
			t.Fatal(err)
		}
		d.Secrets = []targets.Secret{{Name: "PASSWORD"}}
		d.Triggers = []targets.Trigger{
			{Kind: targets.TriggerQueue, Name: "orders", Source: "orders", Path: "/events", Batch: 10},
			{Kind: targets.TriggerObject, Name: "uploads", Source: "uploads", Path: "/events", Batch: 1},
		}
		d.Events = func(e targets.Event) {
			if e.Warning {
				warnings = append(warnings, e.Message)
			}
		}
		st, err := target.Deploy(t.Context(), d)
		if err != nil || get(t, st.URL+"/version") != "one" {
			t.Fatalf("deploy: %+v, %v", st, err)
		}
		if len(warnings) != 2 {
			t.Fatalf("warnings %q", warnings)
		}
		for n, parts := range [][]string{{"chmod 600"}, {`queue "orders"`, `object "uploads"`, "twofold invoke"}} {
			for _, part := range parts {
				if !strings.Contains(warnings[n], part) {
					t.Errorf("warning %q, want it to say %s", warnings[n], part)
				}
			}
		}
	}
}
