//go:build e2e

package e2e

import (
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/registry"
)

// TestAppsOfFrameworksAnswerAlikeInBothForms installs express and Flask as their users
// do, builds both forms, runs them, and asks both the same.
func TestAppsOfFrameworksAnswerAlikeInBothForms(t *testing.T) {
	host := httptest.NewServer(registry.New())
	defer host.Close()
	for _, test := range []struct {
		app string
		// program is the runtime; files are folders that it needs beside its libraries.
		program string
		files   []string
		// tools is the folder of the command that installs the dependencies.
		tools func(t *testing.T) string
	}{
		{"express", "node", nil, npm},
		{"flask", "/usr/bin/python3", []string{"/usr/lib/python3*"}, pip},
	} {
		t.Run(test.app, func(t *testing.T) {
			base := strings.TrimPrefix(host.URL, "http://") + "/" + test.app + ":1"
			push(t, base, runtimeImage(t, test.program, test.files))
			dir, state := filepath.Join(t.TempDir(), "shop"), t.TempDir()
			t.Cleanup(func() { killHost(state) })
			if err := os.CopyFS(dir, os.DirFS(filepath.Join("apps", test.app))); err != nil {
				t.Fatal(err)
			}
			requests, err := os.ReadFile("apps/requests.hcl")
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(dir, "requests.hcl"), requests, 0o644); err != nil {
				t.Fatal(err)
			}
			replaceInFile(t, filepath.Join(dir, "twofold.hcl"), `base( *)= "[^"]*"`, `base$1= "`+base+`"`)
			t.Setenv("PATH", test.tools(t)+string(filepath.ListSeparator)+os.Getenv("PATH"))

			runTwofold(t, dir, state, "deploy", "--to", "local.container", "--to", "local.function")
			if report := runTwofold(t, dir, state, "parity"); !strings.Contains(report, "15 requests") {
				t.Errorf("not each request of the file was compared:\n%s", report)
			}
			runTwofold(t, dir, state, "destroy", "--yes")
		})
	}
}

// npm returns the folder of the npm command: that of the machine, or where
// e2e/install.sh puts it.
func npm(t *testing.T) string {
	if path, err := exec.LookPath("npm"); err == nil {
		return filepath.Dir(path)
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(cache, "twofold-e2e", "npm", "bin")
	if _, err := os.Stat(filepath.Join(dir, "npm")); err != nil {
		t.Fatalf("%v: run e2e/install.sh", err)
	}
	return dir
}

// pip returns the folder of the pip command of an environment of its own.
func pip(t *testing.T) string {
	dir := filepath.Join(t.TempDir(), "venv")
	if out, err := exec.CommandContext(t.Context(), "/usr/bin/python3", "-m", "venv", dir).CombinedOutput(); err != nil {
		t.Fatalf("python3 -m venv: %v\n%s", err, out)
	}
	return filepath.Join(dir, "bin")
}
