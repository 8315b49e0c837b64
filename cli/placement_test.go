package cli

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/twofoldhq/twofold/build"
	"github.com/twofoldhq/twofold/build/builders"
	"github.com/twofoldhq/twofold/manifest"
	"github.com/twofoldhq/twofold/targets"
)

// loadManifest loads a manifest from its text, with the real builders and plugins.
func loadManifest(t *testing.T, text string) *manifest.Manifest {
	t.Helper()
	dir := t.TempDir()
	t.Setenv("TWOFOLD_STATE_DIR", t.TempDir())
	if err := os.WriteFile(filepath.Join(dir, "twofold.hcl"), []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	m, diagnostics := manifest.Load(manifest.Options{Path: dir, Builders: builders.Schemas(), Plugins: targetSchemas()})
	if diagnostics.HasErrors() {
		t.Fatal(diagnostics)
	}
	return m
}

const placed = `
project = "shop"
target "lambda" "functions" { region = "eu-west-1" }
target "kubernetes" "cluster" { context = "shop" }
service "api" {
  build "go" {}
  target = [target.kubernetes.cluster, target.local.container]
  schedule "nightly" {
    cron   = "@daily"
    path   = "/nightly"
    target = target.lambda.functions
  }
  schedule "hourly" {
    cron = "@hourly"
    path = "/hourly"
  }
  on "queue" "orders" {
    source = "orders"
    path   = "/orders"
    target = target.local.container
  }
  hook "migrate" {
    when = "before"
    run  = ["./server", "migrate"]
  }
}
`

func TestPlacements(t *testing.T) {
	m := loadManifest(t, placed)
	for _, test := range []struct {
		name string
		to   []string
		want []string
	}{
		{"as the manifest says", nil, []string{
			"kubernetes.cluster first: schedule hourly, runs migrate",
			"local.container: queue orders",
			"lambda.functions triggers only: schedule nightly",
		}},
		{"one target instead of all", []string{"local.function"}, []string{
			"local.function first: schedule nightly, schedule hourly, queue orders, runs migrate",
		}},
		{"a target by its second name, twice", []string{"functions", "lambda.functions"}, []string{
			"lambda.functions first: schedule nightly, schedule hourly, queue orders, runs migrate",
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			list, err := placements(m, m.Services, test.to)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, p := range list {
				got = append(got, describePlacement(m, p))
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func describePlacement(m *manifest.Manifest, p placement) string {
	text := p.place.address
	if p.first {
		text += " first"
	}
	w := p.workload(m, nil)
	if w.TriggersOnly {
		text += " triggers only"
	}
	var parts []string
	for _, s := range w.Schedules {
		parts = append(parts, "schedule "+s.Name)
	}
	for _, t := range w.Triggers {
		parts = append(parts, t.Kind+" "+t.Name)
	}
	for _, name := range w.Runs {
		parts = append(parts, "runs "+name)
	}
	return text + ": " + strings.Join(parts, ", ")
}

func TestAWorkloadKnowsWhatTheManifestSets(t *testing.T) {
	const head = "project = \"shop\"\nservice \"api\" {\n  build \"go\" {}\n"
	unset := loadManifest(t, head+"}\n")
	w := placement{service: unset.Services[0]}.workload(unset, nil)
	if w.Port != 0 || w.Health != "" || w.Start != 0 {
		t.Errorf("defaults are taken for settings: %d %q %v", w.Port, w.Health, w.Start)
	}
	set := loadManifest(t, head+"  port = 8080\n  health {\n    path  = \"/\"\n    start = \"10s\"\n  }\n}\n")
	w = placement{service: set.Services[0]}.workload(set, nil)
	if w.Port != 8080 || w.Health != "/" || w.Start == 0 {
		t.Errorf("settings that are the defaults are taken for unset: %d %q %v", w.Port, w.Health, w.Start)
	}
}

func TestADeclaredTargetThatCannotBeDeployedToSaysSo(t *testing.T) {
	m := loadManifest(t, placed)
	list, err := places(m)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range list {
		if p.opens() {
			continue
		}
		if _, err := p.open(); err == nil || !strings.Contains(err.Error(), p.address) || hint(err) == "" {
			t.Errorf("%s: %v", p.address, err)
		}
	}
	for name, want := range map[string]string{
		"lambda.function":         `did you mean "lambda.functions"?`,
		"nowhere":                 "the targets are local.container",
		"target.lambda.functions": "",
	} {
		_, err := findPlace(list, name)
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestServicesAreDeployedInTheOrderOfTheirNeeds(t *testing.T) {
	m := loadManifest(t, `
project = "shop"
service "web" {
  build "go" {}
  env = { API = service.api.url }
}
service "api" {
  build "go" {}
  depends_on = [service.db]
}
service "other" {
  build "go" {}
}
service "db" {
  build "go" {}
}
`)
	var order []string
	for _, s := range inOrder(m, m.Services) {
		order = append(order, s.Name)
	}
	if diff := cmp.Diff([]string{"db", "api", "web", "other"}, order); diff != "" {
		t.Error(diff)
	}
	only := inOrder(m, []*manifest.Service{m.Services[0], m.Services[3]})
	if len(only) != 2 || only[0].Name != "db" || only[1].Name != "web" {
		t.Errorf("a part of the services: %v", only)
	}
}

// elsewhere is a target that runs one platform.
type elsewhere struct {
	targets.Target
	platform build.Platform
}

func (e elsewhere) Info() targets.Info {
	return targets.Info{Platforms: []build.Platform{e.platform, {OS: "linux", Arch: "riscv64"}}}
}

func TestAServiceIsBuiltForWhatItsTargetsRun(t *testing.T) {
	host, other := hostPlatform(), build.Platform{OS: "linux", Arch: "s390x"}
	s := &manifest.Service{Name: "api"}
	on := func(platforms ...build.Platform) *work {
		w := &work{}
		for _, p := range platforms {
			w.list = append(w.list, intent{placement: placement{service: s}, target: elsewhere{platform: p}})
		}
		return w
	}
	for _, test := range []struct {
		work *work
		want []string
	}{
		{on(host), []string{host.String()}},
		{on(other), []string{"linux/s390x"}},
		{on(other, host, other), []string{"linux/s390x", host.String()}},
	} {
		if diff := cmp.Diff(test.want, test.work.platforms(s)); diff != "" {
			t.Error(diff)
		}
	}
	s.Build.Platforms = []string{"linux/arm64"}
	if diff := cmp.Diff([]string{"linux/arm64"}, on(host).platforms(s)); diff != "" {
		t.Error(diff)
	}
}
