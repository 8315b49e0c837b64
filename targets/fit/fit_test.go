package fit

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/twofoldhq/twofold/build"
	"github.com/twofoldhq/twofold/release"
	"github.com/twofoldhq/twofold/targets"
)

var (
	amd64 = build.Platform{OS: "linux", Arch: "amd64"}
	arm64 = build.Platform{OS: "linux", Arch: "arm64"}
)

// small is a target that has every kind of limit and every gap.
func small() targets.Info {
	limit := func(low, high, step int64) targets.Limit {
		return targets.Limit{Min: low, Max: high, Step: step, Source: "a page"}
	}
	soft := limit(0, 10, 0)
	soft.Soft, soft.Note = true, "A note."
	gap := targets.Gap{Summary: "no such thing", Fix: "Fix {name} of {service} on {target}.", Limit: "none", Source: "a page"}
	softGap := gap
	softGap.Soft = true
	return targets.Info{
		Plugin: "small", Name: "one",
		Forms:     []release.Kind{release.Bundle},
		Platforms: []build.Platform{amd64},
		Runtimes:  []string{"nodejs22.x", "nodejs24.x", "python3.13"},
		Limits: targets.Limits{
			Memory: limit(64<<20, 1<<30, 1<<20), CPU: limit(10, 2000, 0), Timeout: limit(0, int64(time.Minute), 0),
			Start: limit(0, int64(10*time.Second), 0), Env: limit(0, 100, 0), Variable: limit(0, 50, 0),
			Zip: soft, Unpacked: limit(0, 20, 0), Image: limit(0, 30, 0),
			ScaleMin: soft, ScaleMax: soft, Concurrency: limit(0, 1, 0), Volumes: limit(0, 1, 0),
			Port: limit(1024, 0, 0), Name: limit(0, 10, 0),
		},
		Gaps: map[targets.Feature]targets.Gap{
			targets.FeatureSchedule: gap, targets.FeatureQueue: gap, targets.FeatureObject: softGap,
			targets.FeatureSecret: gap, targets.FeatureBackground: gap,
		},
	}
}

// fitting is a workload that fits it, at each limit.
func fitting() targets.Workload {
	return targets.Workload{
		Service: "abcdefghij", Forms: []release.Kind{release.Image, release.Bundle},
		Platforms: []build.Platform{arm64, amd64}, Runtime: "nodejs22.x", Base: true,
		Built: &targets.Sizes{Image: 1 << 40, Bundle: 10, Unpacked: 20},
		Deployment: targets.Deployment{
			Port: 1024, Health: "/healthz", Start: 10 * time.Second, Memory: 1 << 30, CPU: 2000, Timeout: time.Minute,
			Scale:   targets.Scale{Min: 10, Max: 10, Concurrency: 1},
			Env:     map[string]string{"A": strings.Repeat("a", 48), "B": strings.Repeat("b", 48), "CC": ""},
			Volumes: []targets.Volume{{Name: "data", Path: "/mnt/data"}},
		},
	}
}

func write(found []targets.Finding) string {
	var b strings.Builder
	for _, f := range found {
		fmt.Fprintf(&b, "%s %s: %s\n  fix: %s\n  limit: %s\n  source: %s\n", f.Severity, f.Path, f.Summary, f.Fix, f.Limit, f.Source)
	}
	return b.String()
}

func TestWhatIsAtTheLimitsFits(t *testing.T) {
	if found := Check(small(), fitting()); len(found) != 0 {
		t.Errorf("at the upper limits:\n%s", write(found))
	}
	w := fitting()
	w.Memory, w.CPU = 64<<20, 10
	if found := Check(small(), w); len(found) != 0 {
		t.Errorf("at the lower limits:\n%s", write(found))
	}
	if found := Check(small(), targets.Workload{Deployment: targets.Deployment{Health: "/"}}); len(found) != 0 {
		t.Errorf("with nothing set:\n%s", write(found))
	}
}

func TestWhatIsBeyondALimitIsFound(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(*targets.Workload)
		want   string
	}{
		{"memory above", func(w *targets.Workload) { w.Memory = 1<<30 + 1<<20 },
			"error memory: memory of 1025Mi is more than 1Gi | Write memory = \"1Gi\". | 64Mi to 1Gi, in steps of 1Mi"},
		{"memory below", func(w *targets.Workload) { w.Memory = 63 << 20 },
			"error memory: memory of 63Mi is less than 64Mi | Write memory = \"64Mi\". | 64Mi to 1Gi, in steps of 1Mi"},
		{"memory between steps goes up", func(w *targets.Workload) { w.Memory = 500e6 },
			"error memory: memory of 500M is no multiple of 1Mi | Write memory = \"477Mi\". | 64Mi to 1Gi, in steps of 1Mi"},
		{"cpu above", func(w *targets.Workload) { w.CPU = 2001 },
			"error cpu: cpu of 2001m is more than 2 | Write cpu = \"2\". | 10m to 2"},
		{"cpu below", func(w *targets.Workload) { w.CPU = 9 },
			"error cpu: cpu of 9m is less than 10m | Write cpu = \"10m\". | 10m to 2"},
		{"timeout", func(w *targets.Workload) { w.Timeout = time.Minute + time.Millisecond },
			"error timeout: timeout of 1m0.001s is more than 1m | Write timeout = \"1m\". | at most 1m"},
		{"start", func(w *targets.Workload) { w.Start = 11 * time.Second },
			"error health.start: health.start of 11s is more than 10s | Write health { start = \"10s\" }. | at most 10s"},
		{"scale.min", func(w *targets.Workload) { w.Scale.Min = 11 },
			"warning scale.min: scale.min of 11 is more than 10 | Write scale { min = 10 }. A note. | at most 10"},
		{"scale.max", func(w *targets.Workload) { w.Scale.Max = 11 },
			"warning scale.max: scale.max of 11 is more than 10 | Write scale { max = 10 }. A note. | at most 10"},
		{"concurrency", func(w *targets.Workload) { w.Scale.Concurrency = 2 },
			"error scale.concurrency: scale.concurrency of 2 is more than 1 | Write scale { concurrency = 1 }. | at most 1"},
		{"port", func(w *targets.Workload) { w.Port = 1023 },
			"error port: port of 1023 is less than 1024 | Write port = 1024. | at least 1024"},
		{"name", func(w *targets.Workload) { w.Service = "abcdefghi-k" },
			"error : the service's name has 11 characters, more than 10 | Call it \"abcdefghi\", or another name of at most 10 characters. | a name of at most 10 characters"},
		{"no health path", func(w *targets.Workload) { w.Health = "" },
			"warning health.path: missing health path | Write health { path = \"/healthz\" }, with the path that answers 2xx when the app is ready. Without it twofold asks for /. | an instance gets requests when its health path answers 2xx"},
		{"all variables", func(w *targets.Workload) { w.Env["CC"] = "c" },
			"error env: the environment has 101 bytes, more than 100 bytes | Take away 1 byte or more; the largest are A (49 bytes), B (49 bytes), CC (3 bytes). | at most 100 bytes of names and values"},
		{"one variable", func(w *targets.Workload) { w.Env = map[string]string{"A": strings.Repeat("a", 49)} },
			"error env.A: the variable has 51 bytes, more than 50 bytes | Put the value into a file of the service, and the file's name into the variable. | at most 50 bytes for NAME=value"},
		{"no form in common", func(w *targets.Workload) { w.Forms = []release.Kind{release.Image} },
			"error build: the builder makes no bundle | Build the service with a builder that makes it, such as build \"command\", or give abcdefghij a target that runs the image. | small.one runs the bundle only"},
		{"no platform in common", func(w *targets.Workload) { w.Platforms = []build.Platform{arm64} },
			"error build.platforms: small.one does not run linux/arm64 | Write platforms = [\"linux/arm64\", \"linux/amd64\"] in the build block. | the target runs linux/amd64"},
		{"runtime", func(w *targets.Workload) { w.Runtime = "nodejs20.x" },
			"error build: small.one has no runtime nodejs20.x | Write runtime = \"nodejs24.x\" in the build block. | the runtimes nodejs22.x, nodejs24.x, python3.13"},
		{"runtime of another language", func(w *targets.Workload) { w.Runtime = "ruby3.4" },
			"error build: small.one has no runtime ruby3.4 | Give the service a target that runs the image. | the runtimes nodejs22.x, nodejs24.x, python3.13"},
		{"base without runtime", func(w *targets.Workload) { w.Runtime = "" },
			"warning build.base: the files of base are not in the bundle | Put what the app needs of them into the build's output; for a language's interpreter, write runtime in the build block. An app that needs none of them runs as it is. | a bundle holds the app tree and the adapter"},
		{"zip", func(w *targets.Workload) { w.Built.Bundle = 11 },
			"warning build: the bundle has 11 bytes, more than 10 bytes | A note. | the bundle: at most 10 bytes"},
		{"unpacked", func(w *targets.Workload) { w.Built.Unpacked = 21 },
			"error build: the unpacked bundle has 21 bytes, more than 20 bytes | Leave files out of the build's output that the app does not need. | the unpacked bundle: at most 20 bytes"},
		{"volumes", func(w *targets.Workload) { w.Volumes = append(w.Volumes, targets.Volume{Name: "more"}) },
			"error volume.more: 2 volumes are more than 1 | Remove the block volume \"more\". | at most 1 a service"},
		{"schedule", func(w *targets.Workload) { w.Schedules = []targets.Schedule{{Name: "nightly"}} },
			"error schedule.nightly: no such thing | Fix nightly of abcdefghij on small.one. | none"},
		{"queue", func(w *targets.Workload) {
			w.Triggers = []targets.Trigger{{Kind: targets.TriggerQueue, Name: "orders"}}
		},
			"error on.queue.orders: no such thing | Fix orders of abcdefghij on small.one. | none"},
		{"object", func(w *targets.Workload) {
			w.Triggers = []targets.Trigger{{Kind: targets.TriggerObject, Name: "uploads"}}
		},
			"warning on.object.uploads: no such thing | Fix uploads of abcdefghij on small.one. | none"},
		{"secret", func(w *targets.Workload) { w.Secrets = []targets.Secret{{Name: "KEY", From: "key"}} },
			"error secret.KEY: no such thing | Fix KEY of abcdefghij on small.one. | none"},
		{"background", func(w *targets.Workload) { w.Background = true },
			"error background: no such thing | Fix  of abcdefghij on small.one. | none"},
		{"hook", func(w *targets.Workload) { w.Runs = []string{"migrate"} },
			"error hook.migrate: small.one runs no command of a release | Write where = \"machine\" in the block hook \"migrate\", so that it runs where twofold deploys from. | a hook in the release needs a target that runs single commands; twofold targets lists them"},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := fitting()
			c.change(&w)
			found := Check(small(), w)
			if len(found) != 1 {
				t.Fatalf("got %d findings, want one:\n%s", len(found), write(found))
			}
			f := found[0]
			if f.Source == "" {
				t.Error("it has no source")
			}
			got := fmt.Sprintf("%s %s: %s | %s | %s", f.Severity, f.Path, f.Summary, f.Fix, f.Limit)
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestAnImageIsMeasuredAsAnImage(t *testing.T) {
	info, w := small(), fitting()
	info.Forms = []release.Kind{release.Image, release.Bundle}
	w.Built.Image, w.Built.Unpacked, w.Runtime = 30, 1<<40, ""
	if found := Check(info, w); len(found) != 0 {
		t.Errorf("at the limit:\n%s", write(found))
	}
	w.Built.Image = 31
	if found := Check(info, w); len(found) != 1 || found[0].Limit != "the image: at most 30 bytes" {
		t.Errorf("got %s", write(found))
	}
}

func TestAHookInTheReleaseNeedsATargetThatRunsCommands(t *testing.T) {
	info, w := small(), fitting()
	info.Operations.Run = func(context.Context, targets.RunRequest) error { return nil }
	w.Runs = []string{"migrate"}
	if found := Check(info, w); len(found) != 0 {
		t.Error(write(found))
	}
}

func TestAValueThatIsNotKnownYetCountsAsNothing(t *testing.T) {
	w := fitting()
	w.Env["CC"] = strings.Repeat("c", 1000)
	w.Unknown = []string{"CC"}
	if found := Check(small(), w); len(found) != 0 {
		t.Error(write(found))
	}
}

func TestNoFindingShowsAValue(t *testing.T) {
	w := fitting()
	w.Env = map[string]string{"A": strings.Repeat("hunter2", 100)}
	if text := write(Check(small(), w)); strings.Contains(text, "hunter2") || text == "" {
		t.Error(text)
	}
}

func TestErrorsComeFirstAndThenByPath(t *testing.T) {
	info, w := small(), fitting()
	info.Check = func(targets.Workload) []targets.Finding {
		return []targets.Finding{{Severity: targets.Error, Path: "timeout", Summary: "b"}, {Severity: targets.Error, Path: "timeout", Summary: "a"}}
	}
	w.Memory, w.Health, w.Scale.Max, w.CPU = 1, "", 11, 1
	var got []string
	for _, f := range Check(info, w) {
		got = append(got, string(f.Severity)+" "+f.Path)
		if f.Path == "timeout" {
			got[len(got)-1] += " " + f.Summary
		}
	}
	want := []string{"error cpu", "error memory", "error timeout a", "error timeout b", "warning health.path", "warning scale.max"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}
