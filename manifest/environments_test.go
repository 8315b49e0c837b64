package manifest

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func loadAllText(src string) ([]*Manifest, *Diagnostics) {
	return oneFile([]byte(src), "/project/twofold.hcl", "twofold.hcl").loadAll(testOptions())
}

// TestVariablesComeFromTheMostSpecificPlace takes one place away after the other.
func TestVariablesComeFromTheMostSpecificPlace(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "first.vars.hcl"), "level = \"first file\"\n")
	write(t, filepath.Join(dir, "second.vars.hcl.json"), `{"level": "second file"}`)
	write(t, filepath.Join(dir, "twofold.hcl"), `
project = "shop"
variable "level" { default = "default" }
service "api" {
  build "go" {}
  env = { LEVEL = var.level }
}
environment "prod" {
  variables = { level = "environment" }
}
`)
	files := []string{filepath.Join(dir, "first.vars.hcl"), filepath.Join(dir, "second.vars.hcl.json")}
	for _, test := range []struct {
		want        string
		variables   []string
		files       []string
		given       string
		environment string
	}{
		{"last var", []string{"level=var", "level=last var"}, files, "given", "prod"},
		{"a=b", []string{"level=a=b"}, files, "given", "prod"},
		{"", []string{"level="}, files, "given", "prod"},
		{"second file", nil, files, "given", "prod"},
		{"first file", nil, files[:1], "given", "prod"},
		{"given", nil, nil, "given", "prod"},
		{"environment", nil, nil, "", "prod"},
		{"default", nil, nil, "", ""},
	} {
		t.Run(test.want, func(t *testing.T) {
			o := testOptions()
			o.Path, o.Variables, o.VariableFiles, o.Environment = dir, test.variables, test.files, test.environment
			o.Env = func(name string) (string, bool) {
				return test.given, name == "TWOFOLD_VAR_level" && test.given != ""
			}
			m, d := Load(o)
			if d.HasErrors() {
				t.Fatal(d)
			}
			if got := m.Services[0].Env["LEVEL"]; got != test.want {
				t.Errorf("the level is %q, want %q", got, test.want)
			}
		})
	}
}

func TestAnEnvironmentOverridesByTheSamePath(t *testing.T) {
	all, d := loadAllText(`
project = "shop"
service "api" {
  build "go" {
    package = "./api"
    env     = { A = "a", B = "b" }
  }
  port    = 9000
  memory  = "512Mi"
  timeout = "30s"
  scale {
    min = 1
    max = 5
  }
  env = { KEPT = 1, CHANGED = "base", REMOVED = "x" }
  schedule "nightly" {
    cron = "@daily"
    path = "/nightly"
  }
  volume "data" { path = "/mnt/data" }
}
service "cleared" {
  build "go" {
    package = "./x"
    env     = { A = "a" }
  }
  env = { A = 1 }
}
environment "prod" {
  service "api" {
    build "go" { env = { B = null, C = "c" } }
    timeout = null
    scale { min = 3 }
    env = { CHANGED = "prod", REMOVED = null, ADDED = "y" }
    schedule "nightly" { enabled = false }
    schedule "hourly" {
      cron = "@hourly"
      path = "/hourly"
    }
    volume "data" { size = "1Gi" }
  }
  service "cleared" {
    build "static" { binary = "./server" }
    env = null
  }
}
environment "staging" {
  service "cleared" {
    build "go" { env = null }
  }
}
`)
	if d.HasErrors() {
		t.Fatal(d)
	}
	base, prod, staging := all[0], all[1], all[2]
	api := prod.Services[0]
	want := map[string]string{"KEPT": "1", "CHANGED": "prod", "ADDED": "y"}
	if diff := cmp.Diff(want, api.Env); diff != "" {
		t.Errorf("env: %s", diff)
	}
	if diff := cmp.Diff(map[string]string{"A": "a", "C": "c"}, api.Build.Settings.StringMap("env")); diff != "" {
		t.Errorf("the builder's env: %s", diff)
	}
	if api.Build.Settings.String("package") != "./api" || api.Port != 9000 || api.Memory != 512<<20 || api.Timeout != 0 || api.Scale != (Scale{Min: 3, Max: 5}) {
		t.Errorf("the service is %+v", api)
	}
	if len(api.Schedules) != 1 || api.Schedules[0].Name != "hourly" {
		t.Errorf("the schedules are %+v", api.Schedules)
	}
	if diff := cmp.Diff([]Volume{{Name: "data", Path: "/mnt/data", Size: 1 << 30}}, api.Volumes); diff != "" {
		t.Errorf("volumes: %s", diff)
	}
	if cleared := prod.Services[1]; len(cleared.Env) != 0 || cleared.Build.Builder != "static" || cleared.Build.Settings.Has("package") {
		t.Errorf("the other service is %+v", cleared)
	}
	if cleared := staging.Services[1]; len(cleared.Env) != 1 || cleared.Build.Settings.String("package") != "./x" || len(cleared.Build.Settings.StringMap("env")) != 0 {
		t.Errorf("in staging it is %+v", cleared)
	}
	if got := base.Services[0]; got.Env["REMOVED"] != "x" || got.Scale.Min != 1 || len(got.Schedules) != 1 || got.Volumes[0].Size != 0 {
		t.Errorf("the environment changed the base: %+v", got)
	}
}

// TestAnEarlierEnvironmentResolves: what one environment has must not come from the
// one that was evaluated last.
func TestAnEarlierEnvironmentResolves(t *testing.T) {
	all, d := loadAllText(`
project = "shop"
service "api" {
  build "go" {}
}
service "web" {
  build "go" {}
  env = { API = service.api.url }
}
environment "prod" {
  target "kubernetes" "cluster" { context = "prod" }
  service "web" { target = target.kubernetes.cluster }
}
environment "staging" {}
`)
	if d.HasErrors() {
		t.Fatal(d)
	}
	s, d := all[1].Resolve("web", map[string]string{"api": "https://api"})
	if d.HasErrors() || s.Env["API"] != "https://api" || len(s.Unknown) != 0 || s.Targets[0] != "kubernetes.cluster" {
		t.Errorf("%+v, %v", s, d)
	}
	if s, d := all[1].Resolve("wbe", nil); s != nil || !strings.Contains(d.Error(), "cannot be resolved") {
		t.Errorf("%+v, %v", s, d)
	}
}

func TestLoadAllReportsMisspelledServicesBesideAVariableWithoutAValue(t *testing.T) {
	_, d := loadAllText(small + "variable \"x\" {}\nenvironment \"prod\" {\n  service \"wbe\" { memory = \"1Gi\" }\n}\n")
	if !d.HasErrors() || !strings.Contains(d.Error(), `There is no service "wbe"`) {
		t.Error(d)
	}
}

func TestWhatIsNotKnownYetIsNoProblem(t *testing.T) {
	all, d := loadAllText(`
project = "shop"
variable "regions" { type = set(string) }
variable "memory" { type = string }
service "worker" {
  for_each = var.regions
  build "go" {}
}
service "api" {
  build "go" {}
  memory     = var.memory
  env        = { WORKER = service.worker["eu"].url, M = var.memory }
  depends_on = [service.worker, "worker-eu"]
}
environment "prod" {
  service "worker-eu" { memory = "1Gi" }
}
`)
	if d.HasErrors() {
		t.Fatal(d)
	}
	if len(all) != 2 || len(all[0].Services) != 1 || all[0].Services[0].Memory != 0 {
		t.Errorf("%+v", all[0].Services)
	}
}

func TestForEachMakesServices(t *testing.T) {
	m, d := loadText(`
project = "shop"
service "worker" {
  for_each = { "1" = "one", eu = "two" }
  build "go" {}
  env = { KEY = each.key, VALUE = each.value }
}
service "none" {
  for_each = toset([])
  build "go" {}
}
service "plain" {
  for_each   = var.nothing
  build "go" {}
  env        = { ONE = service.worker[1].url, EU = service.worker.eu.name, ALL = join(",", [for w in service.worker : w.name]) }
  depends_on = [for w in service.worker : w.name]
}
variable "nothing" { default = null }
`)
	if d.HasErrors() {
		t.Fatal(d)
	}
	var names []string
	for _, s := range m.Order() {
		names = append(names, s.Name)
	}
	if got := strings.Join(names, " "); got != "worker-1 worker-eu plain" {
		t.Errorf("the services are %s", got)
	}
	plain := names[len(names)-1]
	s, _ := m.Service(plain)
	if diff := cmp.Diff(map[string][]string{"ONE": {"worker-1"}}, s.Unknown); diff != "" {
		t.Error(diff)
	}
	if s.Env["EU"] != "worker-eu" || s.Env["ALL"] != "worker-1,worker-eu" || strings.Join(s.Needs, " ") != "worker-1 worker-eu" {
		t.Errorf("%+v", s)
	}
}

func TestDependsOnInTheJSONSyntax(t *testing.T) {
	for _, item := range []string{"service.db", "db", "${service.db}", "${service.db.url}"} {
		src := fmt.Sprintf(`{"project":"shop","service":{"db":{"build":{"go":{}}},"api":{"build":{"go":{}},"depends_on":[%q]}}}`, item)
		m, d := load([]byte(src), "twofold.hcl.json", "twofold.hcl.json", testOptions())
		if d.HasErrors() {
			t.Errorf("%s: %v", item, d)
		} else if s, _ := m.Service("api"); strings.Join(s.Needs, " ") != "db" {
			t.Errorf("%s: it needs %v", item, s.Needs)
		}
	}
}

func TestPlacesBehindEscapesOfJSONAreThoseOfTheString(t *testing.T) {
	src := "{\"project\":\"shop\",\"service\":{\"api\":{\"build\":{\"go\":{}},\n\"env\":{\"A\":\"\\n\\n\\u0041${var.x}\"}}}}"
	_, d := load([]byte(src), "twofold.hcl.json", "twofold.hcl.json", testOptions())
	if r := d.All()[0].Range; d.Len() != 1 || r.Start.Line != 2 || r.Start.Column != 12 {
		t.Errorf("%v at %+v", d, r)
	}
}

func TestGitIgnoresTheRepositoryOfAHook(t *testing.T) {
	t.Setenv("GIT_DIR", filepath.Join(t.TempDir(), "nowhere"))
	for _, entry := range environWithoutRepository() {
		if strings.HasPrefix(entry, "GIT_DIR=") {
			t.Error(entry)
		}
	}
	_, err := readGit(t.TempDir())
	if err == nil || !strings.Contains(err.Error(), "is in no git repository") && !strings.Contains(err.Error(), "not installed") {
		t.Error(err)
	}
}

func TestAnErrorOfGitWithoutWordsIsReported(t *testing.T) {
	o := testOptions()
	o.Git = func(string) (Git, error) { return Git{}, fmt.Errorf("") }
	_, d := load([]byte(small+"locals { a = git.commit }\n"), "twofold.hcl", "twofold.hcl", o)
	if d.Len() != 1 || d.All()[0].Range.Start.Line != 5 {
		t.Error(d)
	}
}

func TestFilesOfTheFolderAlone(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "outside.txt"), "secret")
	write(t, filepath.Join(dir, "in", "twofold.hcl"), small+"locals { a = file(\"link.txt\") }\n")
	if err := os.Symlink("../outside.txt", filepath.Join(dir, "in", "link.txt")); err != nil {
		t.Fatal(err)
	}
	_, d := Load(Options{Path: filepath.Join(dir, "in"), Builders: testBuilders()})
	wantProblem(t, nil, d, "a link that leads out of the manifest's folder")
}
