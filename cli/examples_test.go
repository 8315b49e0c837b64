package cli

import (
	"bytes"
	"encoding/json"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/twofoldhq/twofold/build/builders"
	"github.com/twofoldhq/twofold/manifest"
)

// exampleManifests are all of them below examples.
func exampleManifests(t *testing.T) []string {
	t.Helper()
	var found []string
	err := filepath.WalkDir("../examples", func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() && d.Name() == manifest.DefaultFile {
			found = append(found, path)
		}
		return err
	})
	if err != nil || len(found) < 5 {
		t.Fatalf("examples: %v, %v", found, err)
	}
	return found
}

func TestTheExamplesLoad(t *testing.T) {
	for _, path := range exampleManifests(t) {
		t.Run(filepath.Base(filepath.Dir(path)), func(t *testing.T) {
			_, diagnostics := manifest.LoadAll(manifest.Options{Path: filepath.Dir(path), Builders: builders.Schemas(), Plugins: targetSchemas()})
			if diagnostics.Len() > 0 {
				var text bytes.Buffer
				if err := diagnostics.WriteText(&text, manifest.TextOptions{}); err != nil {
					t.Fatal(err)
				}
				t.Error(text.String())
			}
			src, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(manifest.Format(src)), string(src)); diff != "" {
				t.Errorf("it is not in its canonical form; run: twofold fmt %s\n%s", path, diff)
			}
		})
	}
}

// An example that does not fit its targets would be a promise that no deploy keeps.
func TestTheExamplesFitTheirTargets(t *testing.T) {
	t.Setenv("TWOFOLD_STATE_DIR", t.TempDir())
	for _, path := range exampleManifests(t) {
		t.Run(filepath.Base(filepath.Dir(path)), func(t *testing.T) {
			var report struct {
				Fits     bool
				Checked  []struct{ Environment string }
				Findings []struct{ Severity, Summary string }
			}
			if err := json.Unmarshal([]byte(printed(t, "check", "--json", "--manifest", path)), &report); err != nil {
				t.Fatal(err)
			}
			if !report.Fits || len(report.Checked) == 0 {
				t.Errorf("%+v", report)
			}
			// This machine has no queues, and says so; nothing else may be remarked.
			for _, f := range report.Findings {
				if !strings.Contains(f.Summary, "no queue on this machine") {
					t.Errorf("%s: %s", f.Severity, f.Summary)
				}
			}
		})
	}
}

// Who reads an example finds what it was made from, and what became of it.
func TestTheRewrittenExamplesHaveTheirOriginals(t *testing.T) {
	for dir, originals := range map[string][]string{
		"compose":    {"docker-compose.yml"},
		"serverless": {"serverless.yml"},
		"procfile":   {"Procfile"},
		"kubernetes": {"kubernetes/deployment.yaml", "kubernetes/service.yaml", "kubernetes/cronjob.yaml", "kubernetes/claim.yaml"},
	} {
		readme, err := os.ReadFile(filepath.Join("../examples", dir, "README.md"))
		if err != nil {
			t.Error(err)
		}
		for _, original := range originals {
			if _, err := os.Stat(filepath.Join("../examples", dir, original)); err != nil {
				t.Error(err)
			}
			if !strings.Contains(string(readme), filepath.Base(original)) {
				t.Errorf("%s/README.md does not speak of %s", dir, original)
			}
		}
	}
}
