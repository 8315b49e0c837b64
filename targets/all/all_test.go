package all

import (
	"flag"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/twofoldhq/twofold/build"
	"github.com/twofoldhq/twofold/manifest/schema"
	"github.com/twofoldhq/twofold/release"
	"github.com/twofoldhq/twofold/targets"
	"github.com/twofoldhq/twofold/targets/fit"
	"github.com/twofoldhq/twofold/targets/local"
)

var update = flag.Bool("update", false, "write the golden file anew")

func options(t *testing.T) Options {
	return Options{Local: local.Options{StateDir: t.TempDir()}}
}

// described are all the targets that can be described without a setting.
func described(t *testing.T) []targets.Info {
	t.Helper()
	var list []targets.Info
	for _, p := range Plugins(options(t)) {
		names := []string{"one"}
		if p.Settings.Label == "local" {
			names = []string{"container", "function"}
		}
		for _, name := range names {
			info, err := p.Describe(name, nil)
			if err != nil {
				t.Fatalf("%s: %v", p.Settings.Label, err)
			}
			list = append(list, info)
		}
	}
	return list
}

// awkward is a service that offends as many rules as one can.
func awkward() targets.Workload {
	return targets.Workload{
		Service: "shop", Forms: []release.Kind{release.Image, release.Bundle},
		Platforms: []build.Platform{{OS: "linux", Arch: "riscv64"}}, Runtime: "ruby1.8", Base: true,
		Background: true, Runs: []string{"migrate"},
		Deployment: targets.Deployment{
			Port: 80, Start: 2 * time.Minute, Memory: 5e6, CPU: 5, Timeout: time.Hour,
			Scale: targets.Scale{Min: 2000, Max: 5000, Concurrency: 80},
			Env: map[string]string{
				"AWS_REGION": "x", "AWS_LAMBDA_EXEC_WRAPPER": "x", "_": "x", "BIG": strings.Repeat("x", 140_000),
				"MORE": strings.Repeat("y", 1<<20),
			},
			Secrets: []targets.Secret{{Name: "DATABASE_URL", From: "Shop/prod/data base"}},
			Volumes: []targets.Volume{
				{Name: "data", Path: "/var/lib/shop"}, {Name: "cache", Path: "/cache:rw", Size: 10 << 30},
			},
			Schedules: []targets.Schedule{{Name: "nightly", Cron: "0 3 1 * 1", Zone: "UTC"}},
			Triggers: []targets.Trigger{
				{Kind: targets.TriggerQueue, Name: "orders", Source: "shop orders", Batch: 20_000},
				{Kind: targets.TriggerQueue, Name: "slow", Source: "slow", Batch: 100},
				{Kind: targets.TriggerObject, Name: "uploads", Source: "Shop/uploads", Created: true},
				{Kind: targets.TriggerObject, Name: "images", Source: "Shop/uploads", Suffix: ".jpg", Created: true},
			},
		},
		Built: &targets.Sizes{Image: 11 << 30, Bundle: 60 << 20, Unpacked: 300 << 20},
	}
}

func TestFindingsOfAnAwkwardService(t *testing.T) {
	var b strings.Builder
	for _, info := range described(t) {
		// What the local targets run and do depends on this machine and version.
		info.Platforms = slices.DeleteFunc(slices.Clone(info.Platforms), func(build.Platform) bool { return info.Plugin == "local" })
		if info.Plugin == "local" {
			info.Operations = targets.Operations{}
		}
		fmt.Fprintf(&b, "%s\n\n", info.Address())
		for _, f := range fit.Check(info, awkward()) {
			fmt.Fprintf(&b, "%s: %s: %s\n  %s\n  limit: %s\n  source: %s\n\n", f.Severity, f.Path, f.Summary, f.Fix, f.Limit, f.Source)
		}
	}
	const golden = "testdata/awkward.txt"
	if *update {
		if err := os.WriteFile(golden, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), b.String()); diff != "" {
		t.Errorf("run with -update if this is right:\n%s", diff)
	}
}

// paths are the attributes and blocks that a finding may name.
var paths = regexp.MustCompile(`^(timeout|memory|cpu|port|background|env|build|` +
	`scale\.(min|max|concurrency)|health\.(path|start)|build\.(base|platforms)|env\.\w+|hook\.[\w-]+|` +
	`secret\.\w+(\.from)?|volume\.[\w-]+(\.(path|size))?|` +
	`schedule\.[\w-]+(\.(cron|timezone))?|on\.queue\.[\w-]+(\.(source|batch))?|on\.object\.[\w-]+(\.(source|prefix|suffix))?)?$`)

func TestEveryFindingIsWhole(t *testing.T) {
	for _, info := range described(t) {
		info.Limits.Name = targets.Limit{Max: 3, Source: "A page, https://example.com"}
		seen := 0
		for _, f := range fit.Check(info, awkward()) {
			seen++
			if f.Severity != targets.Error && f.Severity != targets.Warning {
				t.Errorf("%s: severity %q", info.Address(), f.Severity)
			}
			if !paths.MatchString(f.Path) {
				t.Errorf("%s: no manifest has %q", info.Address(), f.Path)
			}
			if f.Summary == "" || f.Fix == "" || f.Limit == "" || f.Source == "" {
				t.Errorf("%s: incomplete: %+v", info.Address(), f)
			}
			if strings.HasSuffix(f.Summary, ".") || !strings.HasSuffix(f.Fix, ".") {
				t.Errorf("%s: a summary has no full stop, a fix has one: %+v", info.Address(), f)
			}
			if regexp.MustCompile(`\{(service|name|target)\}`).MatchString(f.Summary + f.Fix + f.Limit) {
				t.Errorf("%s: a name is missing: %+v", info.Address(), f)
			}
			if !strings.Contains(f.Source, ", https://") {
				t.Errorf("%s: a source is a title and an address: %q", info.Address(), f.Source)
			}
		}
		if seen < 8 {
			t.Errorf("%s: %d findings", info.Address(), seen)
		}
	}
}

func TestEveryLimitHasASource(t *testing.T) {
	for _, info := range described(t) {
		for _, l := range info.Capabilities().Limits {
			if l.Limit == "" || !strings.Contains(l.Source, ", https://") {
				t.Errorf("%s: %+v", info.Address(), l)
			}
		}
		for _, l := range info.Capabilities().Lacks {
			if l.Reason == "" || !strings.Contains(l.Source, ", https://") {
				t.Errorf("%s: %+v", info.Address(), l)
			}
		}
	}
}

func TestPluginsAreSortedAndDocumented(t *testing.T) {
	var labels []string
	for _, p := range Plugins(options(t)) {
		labels = append(labels, p.Settings.Label)
		if p.Settings.Doc == "" {
			t.Errorf("%s has no doc", p.Settings.Label)
		}
		for _, a := range p.Settings.Attributes {
			if a.Name == "" || a.Type == "" || a.Doc == "" || a.Example == "" || !a.Required && a.Default == "" {
				t.Errorf("%s: incomplete: %+v", p.Settings.Label, a)
			}
		}
	}
	if diff := cmp.Diff([]string{"docker", "kubernetes", "lambda", "local"}, labels); diff != "" {
		t.Error(diff)
	}
}

func TestLocalTargetsAreNotDeclared(t *testing.T) {
	for _, p := range Plugins(options(t)) {
		if p.Settings.Label != "local" {
			continue
		}
		if _, err := p.Describe("laptop", nil); err == nil || !strings.Contains(err.Error(), "local.container and local.function") {
			t.Errorf("got %v", err)
		}
		if _, err := p.Describe("container", schema.Values{"port": int64(1)}); err == nil {
			t.Error("a setting was accepted")
		}
		target, err := p.Open("function", nil)
		if err != nil || target.Info().Address() != "local.function" {
			t.Errorf("got %v, %v", target, err)
		}
	}
}

// The pages are written by hand; none may forget an attribute or a limit.
func TestThePagesAreComplete(t *testing.T) {
	infos := map[string]targets.Info{}
	for _, info := range described(t) {
		infos[info.Plugin] = info
	}
	for _, p := range Plugins(options(t)) {
		label := p.Settings.Label
		if label == "local" {
			continue
		}
		page, err := os.ReadFile("../../docs/targets/" + label + ".md")
		if err != nil {
			t.Fatal(err)
		}
		text := strings.Join(strings.Fields(string(page)), " ")
		for _, a := range p.Settings.Attributes {
			if !strings.Contains(text, "| `"+a.Name+"` | "+string(a.Type)+" |") {
				t.Errorf("%s.md lacks the attribute %s", label, a.Name)
			}
		}
		for _, l := range infos[label].Capabilities().Limits {
			switch l.Name {
			case "service name", "request body", "answer body": // a manifest allows less; not checked
				continue
			}
			if !strings.Contains(text, l.Limit) {
				t.Errorf("%s.md lacks the limit of %s: %s", label, l.Name, l.Limit)
			}
		}
	}
}
