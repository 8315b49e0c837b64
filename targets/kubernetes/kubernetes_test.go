package kubernetes

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/twofoldhq/twofold/manifest/schema"
	"github.com/twofoldhq/twofold/release"
	"github.com/twofoldhq/twofold/targets"
	"github.com/twofoldhq/twofold/targets/fit"
)

func describeWith(t *testing.T, v schema.Values) targets.Info {
	t.Helper()
	info, err := Plugin().Describe("cluster", v)
	if err != nil {
		t.Fatal(err)
	}
	return info
}

// workload fits, at the limits.
func workload() targets.Workload {
	return targets.Workload{
		Service: strings.Repeat("a", 63), Forms: []release.Kind{release.Image},
		Background: true, Runs: []string{"migrate"},
		Deployment: targets.Deployment{
			Port: 1024, Health: "/healthz", CPU: 10, Memory: 1 << 20,
			Env: map[string]string{"A": strings.Repeat("v", 131069)},
			Secrets: []targets.Secret{
				{Name: "DATABASE_URL", From: "shop/database-url"}, {Name: "KEY", From: "key"},
				{Name: "LONG", From: strings.Repeat("s", 253) + "/" + strings.Repeat("K", 253)},
			},
			Volumes:   []targets.Volume{{Name: "data", Path: "/var/lib/shop", Size: 1 << 30}},
			Schedules: []targets.Schedule{{Name: "both", Cron: "0 3 1 * 1", Zone: "Europe/Berlin"}},
		},
	}
}

func write(found []targets.Finding) string {
	var b strings.Builder
	for _, f := range found {
		fmt.Fprintf(&b, "%s %s: %s | %s | %s | %s\n", f.Severity, f.Path, f.Summary, f.Fix, f.Limit, f.Source)
	}
	return b.String()
}

func TestWhatIsAtTheLimitsFits(t *testing.T) {
	if found := fit.Check(describeWith(t, nil), workload()); len(found) != 0 {
		t.Errorf("at the limits:\n%s", write(found))
	}
}

func TestWhatIsBeyondALimitIsFound(t *testing.T) {
	big := func(w *targets.Workload, total int) {
		w.Env = map[string]string{}
		for i := range 10 {
			name := fmt.Sprintf("V%d", i)
			w.Env[name] = strings.Repeat("v", total/10-len(name))
		}
	}
	for _, c := range []struct {
		name   string
		change func(*targets.Workload)
		want   string // severity, path, summary, fix; "" fits
	}{
		{"cpu", func(w *targets.Workload) { w.CPU = 9 },
			`error cpu: cpu of 9m is less than 10m | Write cpu = "10m". The kubelet gives no container less.`},
		{"port", func(w *targets.Workload) { w.Port = 80 },
			`warning port: port of 80 is less than 1024 | Write port = 1024.`},
		{"variable", func(w *targets.Workload) { w.Env["A"] += "v" },
			`error env.A: the variable has 131072 bytes, more than 131071 bytes | Put the value into a file`},
		{"environment at the limit", func(w *targets.Workload) { big(w, 1048570) }, ""},
		{"environment", func(w *targets.Workload) { big(w, 1048580) },
			`error env: the environment has 1.1 MiB, more than 1 MiB | Take away 4 bytes or more; the largest are V0`},
		{"queue", func(w *targets.Workload) {
			w.Triggers = []targets.Trigger{{Kind: targets.TriggerQueue, Name: "orders"}}
		},
			`error on.queue.orders: a cluster has no source of its own for on "queue" | Write target = target.lambda.NAME in the block on "queue" "orders"`},
		{"object", func(w *targets.Workload) {
			w.Triggers = []targets.Trigger{{Kind: targets.TriggerObject, Name: "uploads"}}
		},
			`error on.object.uploads: a cluster has no source of its own for on "object" | Write target = target.lambda.NAME in the block on "object" "uploads"`},
		{"secret in depth", func(w *targets.Workload) { w.Secrets[0].From = "shop/prod/Database URL" },
			`error secret.DATABASE_URL.from: it names no Secret and no key of one | Write from = "shop-prod/Database-URL"`},
		{"secret in capitals", func(w *targets.Workload) { w.Secrets[1].From = "API_KEY" },
			`error secret.KEY.from: it names no Secret and no key of one | Write from = "api-key/KEY"`},
		{"long key", func(w *targets.Workload) { w.Secrets[2].From += "K" },
			`error secret.LONG.from: it names no Secret and no key of one | Write from = "` + strings.Repeat("s", 253) + "/" + strings.Repeat("K", 253) + `"`},
		{"volume without a size", func(w *targets.Workload) { w.Volumes[0].Size = 0 },
			`warning volume.data.size: a volume without a size | Write size = "1Gi", or as much as the app needs. Without it twofold asks for 1Gi.`},
		{"colon", func(w *targets.Workload) { w.Volumes[0].Path = "/data:rw" },
			`error volume.data.path: a mount path holds no colon | Write path = "/data-rw"`},
		{"volume of several instances", func(w *targets.Workload) { w.Scale.Max = 2 },
			`warning volume.data: many storage classes mount a volume on one node at a time | Write scale { max = 1 }`},
		{"read-only volume of several instances", func(w *targets.Workload) { w.Scale.Max, w.Volumes[0].ReadOnly = 2, true }, ""},
		{"name", func(w *targets.Workload) { w.Service += "a" },
			`error : the service's name has 64 characters, more than 63 | Call it "` + strings.Repeat("a", 63) + `"`},
		{"bundle only", func(w *targets.Workload) { w.Forms = []release.Kind{release.Bundle} },
			`error build: the builder makes no image | Build the service with a builder that makes it`},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := workload()
			c.change(&w)
			found := fit.Check(describeWith(t, nil), w)
			if c.want == "" && len(found) == 0 {
				return
			}
			if got := write(found); len(found) != 1 || c.want == "" || !strings.HasPrefix(got, c.want) {
				t.Fatalf("got  %s\nwant %s", got, c.want)
			}
			if found[0].Limit == "" || !strings.Contains(found[0].Source, ", https://") {
				t.Errorf("it lacks a limit or a source: %s", write(found))
			}
		})
	}
}

func TestEverySuggestedSecretIsAName(t *testing.T) {
	for _, s := range []string{"", "/", "a/", "/b", "A", "-", "ä/ö", "a/b/c", "...", "a b", strings.Repeat("a/", 400), strings.Repeat("-", 300)} {
		if better := betterSecret(targets.Secret{Name: "KEY", From: s}); !from().MatchString(better) {
			t.Errorf("%q becomes %q", s, better)
		}
	}
}

func TestSettings(t *testing.T) {
	good := schema.Values{"context": "shop-prod", "kubeconfig": "k", "namespace": strings.Repeat("n", 63), "registry": "registry.example.com:5000/shop/api",
		"pull_secret": "login", "service_type": "LoadBalancer", "gateway": "infra/public", "cluster_issuer": "letsencrypt", "storage_class": "fast", "keep_releases": int64(20)}
	if _, err := Plugin().Describe("cluster", good); err != nil {
		t.Error(err)
	}
	for _, c := range []struct{ attribute, value, detail string }{
		{"context", "", "Remove it"},
		{"namespace", "Shop", "lower-case"},
		{"namespace", strings.Repeat("n", 64), "1 to 63"},
		{"namespace", "shop-", "first and last"},
		{"registry", "https://registry.example.com/shop/", `registry = "registry.example.com/shop"`},
		{"registry", "registry.example.com/Shop", "a host and a path"},
		{"pull_secret", "", "Remove it"},
		{"service_type", "nodeport", `"NodePort"`},
	} {
		_, err := Plugin().Describe("cluster", schema.Values{c.attribute: c.value})
		var wrong *schema.Error
		if !errors.As(err, &wrong) || wrong.Attribute != c.attribute || !strings.Contains(wrong.Detail, c.detail) {
			t.Errorf("%s = %q: got %v", c.attribute, c.value, err)
		}
	}
}
