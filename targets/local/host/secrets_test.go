package host

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/twofoldhq/twofold/release"
	"github.com/twofoldhq/twofold/targets"
	"github.com/twofoldhq/twofold/targets/secretfile"
)

const functionTarget = "local.function"

// bothForms are the requests of a release for both targets.
func bothForms(r *release.Release) []DeployRequest {
	function := request(r)
	function.Target, function.Form = functionTarget, release.Bundle
	return []DeployRequest{request(r), function}
}

// filesWith returns the files below a folder that hold a text.
func filesWith(t *testing.T, dir, text string) []string {
	t.Helper()
	var found []string
	filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err == nil && e.Type().IsRegular() {
			if content, err := os.ReadFile(path); err == nil && strings.Contains(string(content), text) {
				found = append(found, path)
			}
		}
		return nil
	})
	return found
}

func TestSecretIsInOneFileAndReachesTheApp(t *testing.T) {
	for _, r := range bothForms(releases.One) {
		t.Run(r.Target, func(t *testing.T) {
			const first, second = "the-first-value-of-the-secret", "the-second-value-of-the-secret"
			c := newClient(t)
			var shown strings.Builder
			ask := func(value string) targets.Status {
				t.Helper()
				r.Secrets = secretfile.Values{"PASSWORD": value}
				st, err := c.Deploy(t.Context(), r, releases.One.CopyTo, func(e targets.Event) { fmt.Fprintln(&shown, e) })
				if err != nil {
					t.Fatal(err)
				}
				fmt.Fprintf(&shown, "%+v\n", st)
				if got := get(t, st.URL+"/env?name=PASSWORD"); got != value {
					t.Errorf("the app sees %q", got)
				}
				return st
			}
			only := func(value string) {
				t.Helper()
				files := filesWith(t, c.Layout.Dir, value)
				if len(files) != 1 || !strings.HasPrefix(filepath.Base(files[0]), secretsPrefix) {
					t.Fatalf("the value is in %q, want one file of secrets", files)
				}
				if info, err := os.Stat(files[0]); err != nil || info.Mode() != 0o600 {
					t.Errorf("%s has the mode %v", files[0], info.Mode())
				}
			}
			if st := ask(first); !st.Changed {
				t.Error("the first deploy changed nothing")
			}
			only(first)
			if st := ask(first); st.Changed {
				t.Error("the second deploy changed something")
			}
			if st := ask(second); !st.Changed {
				t.Error("a changed secret changed nothing")
			}
			only(second)
			if files := filesWith(t, c.Layout.Dir, first); files != nil {
				t.Errorf("the old value is in %q", files)
			}
			kill(t, c)
			if st := ask(second); st.Changed {
				t.Error("the secret was lost with the supervisor")
			}
			only(second)

			bad := r
			bad.Release, bad.Secrets = releases.Crashing.Digest, secretfile.Values{"PASSWORD": first}
			if _, err := c.Deploy(t.Context(), bad, releases.Crashing.CopyTo, nil); err == nil {
				t.Error("a release that crashes was deployed")
			} else {
				fmt.Fprintln(&shown, err)
			}
			only(second)
			if files := filesWith(t, c.Layout.Dir, first); files != nil {
				t.Errorf("the value of a deploy that failed is in %q", files)
			}
			lines, _ := filepath.Glob("/proc/[0-9]*/cmdline")
			for _, path := range lines {
				text, _ := os.ReadFile(path)
				shown.Write(text)
			}
			if _, err := c.Destroy(t.Context(), r.Key, r.Target); err != nil {
				t.Fatal(err)
			}
			for _, value := range []string{first, second} {
				if files := filesWith(t, c.Layout.Dir, value); files != nil {
					t.Errorf("after the destroy a value is in %q", files)
				}
				if strings.Contains(shown.String(), value) {
					t.Error("events, status, error or a command line show a value")
				}
			}
		})
	}
}

func TestSecretsOfADeployThatWasKilledAreRemoved(t *testing.T) {
	for _, test := range []struct{ moment, kept, gone string }{
		{"prepared", "value-one", "value-two"}, {"started", "value-one", "value-two"}, {"committed", "value-two", "value-one"},
	} {
		t.Run(test.moment, func(t *testing.T) {
			c := newClient(t)
			r := request(releases.One)
			r.Secrets = secretfile.Values{"PASSWORD": "value-one"}
			if _, err := c.Deploy(t.Context(), r, releases.One.CopyTo, nil); err != nil {
				t.Fatal(err)
			}
			if err := c.End(t.Context()); err != nil {
				t.Fatal(err)
			}
			t.Setenv(crashVariable, test.moment)
			r.Secrets = secretfile.Values{"PASSWORD": "value-two"}
			if _, err := c.Deploy(t.Context(), r, releases.One.CopyTo, nil); !isLost(err) {
				t.Fatalf("deploy with a crash: %v", err)
			}
			os.Unsetenv(crashVariable)
			waitForLock(t, c)
			r.Secrets = secretfile.Values{"PASSWORD": test.kept}
			st, err := c.Deploy(t.Context(), r, releases.One.CopyTo, nil)
			if err != nil || st.Changed {
				t.Fatalf("deploy of what counts: %+v, %v", st, err)
			}
			if got := get(t, st.URL+"/env?name=PASSWORD"); got != test.kept {
				t.Errorf("the app sees %q", got)
			}
			if files := filesWith(t, c.Layout.Dir, test.gone); files != nil {
				t.Errorf("the other value is in %q", files)
			}
		})
	}
}

func TestDeploymentWhoseSecretsAreGoneSaysSoAndTheNextDeployMendsIt(t *testing.T) {
	c := newClient(t)
	r := request(releases.One)
	r.Secrets = secretfile.Values{"PASSWORD": "a value"}
	if _, err := c.Deploy(t.Context(), r, releases.One.CopyTo, nil); err != nil {
		t.Fatal(err)
	}
	if err := c.End(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, path := range filesWith(t, c.Layout.Dir, "a value") {
		os.Remove(path)
	}
	if _, err := c.start(t.Context(), true); err != nil {
		t.Fatal(err)
	}
	eventually(t, func() error {
		if st := status(t, c); st.State != targets.Failing || !strings.Contains(st.Detail, "twofold deploy") {
			return fmt.Errorf("status %s, %q", st.State, st.Detail)
		}
		return nil
	})
	st, err := c.Deploy(t.Context(), r, releases.One.CopyTo, nil)
	if err != nil || get(t, st.URL+"/env?name=PASSWORD") != "a value" {
		t.Errorf("deploy: %+v, %v", st, err)
	}
}

func TestRecordOfAnEarlierVersionIsLoadedAndLearnsWhatIsSensitive(t *testing.T) {
	c := newClient(t)
	r := request(releases.One)
	r.Spec.Env = map[string]string{"LOG_LEVEL": "info"}
	first, err := c.Deploy(t.Context(), r, releases.One.CopyTo, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := c.End(t.Context()); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(c.Layout.Deployment(r.Key, r.Target), recordName)
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	old := strings.Replace(string(text), `"format": 2`, `"format": 1`, 1)
	if old == string(text) {
		t.Fatalf("the record is %s", text)
	}
	if err := os.WriteFile(path, []byte(old), 0o600); err != nil {
		t.Fatal(err)
	}
	if record, err := c.Record(r.Key, r.Target); err != nil || !record.Sensitive("LOG_LEVEL") {
		t.Errorf("record %+v, %v", record, err)
	}
	r.Spec.Sensitive = []string{"OTHER"}
	st, err := c.Deploy(t.Context(), r, releases.One.CopyTo, nil)
	if err != nil || st.Changed || st.URL != first.URL {
		t.Errorf("deploy of what runs: %+v, %v", st, err)
	}
	record, err := c.Record(r.Key, r.Target)
	if err != nil || record.Sensitive("LOG_LEVEL") || !record.Sensitive("OTHER") {
		t.Errorf("record %+v, %v", record, err)
	}
}

func TestSecretsOnTheWireAreTheirValues(t *testing.T) {
	text, err := json.Marshal(DeployRequest{Secrets: secretfile.Values{"A": "1"}})
	var back DeployRequest
	if err != nil || json.Unmarshal(text, &back) != nil || back.Secrets["A"] != "1" {
		t.Errorf("%s, %v", text, err)
	}
}
