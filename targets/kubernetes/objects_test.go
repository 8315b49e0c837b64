package kubernetes

import (
	"encoding/json"
	"flag"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"

	"github.com/twofoldhq/twofold/manifest/schema"
	"github.com/twofoldhq/twofold/targets"
)

var update = flag.Bool("update", false, "write the golden files anew")

const hidden = "a-value-that-nobody-may-show"

func plainWorkload() *wanted {
	s, _ := read(nil)
	return &wanted{
		Deployment: targets.Deployment{
			Key:  targets.Key{Project: "shop", Service: "api", Environment: "prod"},
			Port: defaultPort, Health: "/healthz", Start: 20 * time.Second,
			Env: map[string]string{"GREETING": "it costs $5"},
		},
		name: "shop-api-prod", namespace: "shop", target: "cluster", settings: s,
		release: "sha256:0123", archs: []string{"amd64"}, image: "registry.example.com/shop-api@sha256:0123",
	}
}

func wholeWorkload(t *testing.T, values schema.Values) *wanted {
	t.Helper()
	w := plainWorkload()
	s, err := read(values)
	if err != nil {
		t.Fatal(err)
	}
	w.settings = s
	w.archs = []string{"amd64", "arm64"}
	w.CPU, w.Memory, w.Timeout = 250, 512<<20, 15*time.Second
	w.Scale = targets.Scale{Min: 2, Max: 10}
	w.Domain = "shop.example.com"
	w.Env["TOKEN"], w.Sensitive, w.envSecret = hidden, []string{"TOKEN"}, "shop-api-prod-env-1"
	w.Secrets = []targets.Secret{{Name: "DATABASE_URL", From: "shop/database-url"}, {Name: "KEY", From: "keys"}}
	w.secretsNote = "shop=12,keys=7"
	w.Volumes = []targets.Volume{{Name: "data", Path: "/mnt/data"}, {Name: "assets", Path: "/mnt/assets", Size: 5 << 30, ReadOnly: true}}
	w.Schedules = []targets.Schedule{{Name: "nightly", Cron: "0 3 * * *", Zone: "Europe/Berlin", Path: "/tasks/nightly"}}
	w.poster = "registry.example.com/twofold@sha256:4567"
	return w
}

// serverless makes a workload one of a target that has serverless = true.
func serverless(t *testing.T, w *wanted, values schema.Values) *wanted {
	t.Helper()
	all := schema.Values{"serverless": true, "namespace": "shop"}
	maps.Copy(all, values)
	s, err := read(all)
	if err != nil {
		t.Fatal(err)
	}
	w.settings, w.Volumes, w.Scale.Concurrency = s, nil, w.Scale.Max*5
	w.image = "registry.example.com/shop-api@sha256:" + strings.Repeat("0123", 16) // Knative reads it.
	return w
}

func (w *wanted) everything() []*unstructured.Unstructured {
	var list []*unstructured.Unstructured
	for _, v := range w.Volumes {
		list = append(list, w.claim(v))
	}
	return append(list, w.objects()...)
}

func TestObjects(t *testing.T) {
	for _, c := range []struct {
		name   string
		wanted *wanted
	}{
		{"plain", plainWorkload()},
		{"ingress", wholeWorkload(t, schema.Values{"ingress_class": "nginx", "cluster_issuer": "letsencrypt", "storage_class": "fast", "pull_secret": "login"})},
		{"serverless-plain", serverless(t, plainWorkload(), nil)},
		{"serverless", serverless(t, wholeWorkload(t, nil), schema.Values{"service_type": "LoadBalancer", "pull_secret": "login"})},
		{"gateway", wholeWorkload(t, schema.Values{"gateway": "infra/public", "service_type": "NodePort"})},
	} {
		t.Run(c.name, func(t *testing.T) {
			var text strings.Builder
			for _, o := range c.wanted.everything() {
				one, err := yaml.Marshal(o)
				if err != nil {
					t.Fatal(err)
				}
				text.WriteString("---\n" + string(one))
			}
			golden := filepath.Join("testdata", c.name+".yaml")
			if *update {
				if err := os.WriteFile(golden, []byte(text.String()), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), text.String()); diff != "" {
				t.Errorf("the objects differ from %s (go test -update writes it anew):\n%s", golden, diff)
			}
		})
	}
}

// Only what JSON would be read as can be copied and compared.
func TestObjectsAreAsTheyWouldBeRead(t *testing.T) {
	for _, o := range append(wholeWorkload(t, nil).everything(), serverless(t, wholeWorkload(t, nil), nil).everything()...) {
		text, err := o.MarshalJSON()
		if err != nil {
			t.Fatal(err)
		}
		again := new(unstructured.Unstructured)
		if err := again.UnmarshalJSON(text); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(again.Object, o.Object); diff != "" {
			t.Errorf("%s: %s", o.GetKind(), diff)
		}
	}
}

func TestASensitiveValueIsInTheSecretOnly(t *testing.T) {
	for _, o := range append(wholeWorkload(t, nil).everything(), serverless(t, wholeWorkload(t, nil), nil).everything()...) {
		text, err := json.Marshal(o)
		if err != nil {
			t.Fatal(err)
		}
		if o.GetKind() != "Secret" && strings.Contains(string(text), hidden) {
			t.Errorf("%s %s shows the value: %s", o.GetKind(), o.GetName(), text)
		}
	}
}

func TestNamesFitWhateverTheDeploymentIsCalled(t *testing.T) {
	long := strings.Repeat("x", 63)
	w := plainWorkload()
	w.name = strings.Repeat("n", 46)
	w.Service, w.Project = long, "My Project!"
	w.Schedules = []targets.Schedule{{Name: long, Cron: "@daily"}, {Name: long + "y", Cron: "@daily"}}
	seen := map[string]bool{}
	for _, o := range w.everything() {
		if seen[o.GetKind()+o.GetName()] {
			t.Errorf("two objects are called %s %s", o.GetKind(), o.GetName())
		}
		seen[o.GetKind()+o.GetName()] = true
		if most := 52; o.GetKind() == "CronJob" && len(o.GetName()) > most {
			t.Errorf("the name of %s has %d characters, more than %d", o.GetName(), len(o.GetName()), most)
		}
		for name, value := range o.GetLabels() {
			if len(value) > 63 || strings.ContainsAny(value, " !") {
				t.Errorf("label %s has the value %q", name, value)
			}
		}
	}
}
