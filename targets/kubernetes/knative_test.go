package kubernetes

import (
	"errors"
	"strings"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/twofoldhq/twofold/manifest/schema"
	"github.com/twofoldhq/twofold/targets"
	"github.com/twofoldhq/twofold/targets/fit"
)

func serverlessValues() schema.Values {
	return schema.Values{"serverless": true, "namespace": "shop"}
}

// serverlessWorkload fits, at the limits.
func serverlessWorkload() targets.Workload {
	w := workload()
	w.Volumes, w.Background = nil, false
	w.Timeout, w.Scale.Concurrency = 10*time.Minute, 1000
	return w
}

func TestWhatKnativeTakesFits(t *testing.T) {
	if found := fit.Check(describeWith(t, serverlessValues()), serverlessWorkload()); len(found) != 0 {
		t.Errorf("at the limits:\n%s", write(found))
	}
}

func TestWhatKnativeDoesNotTakeIsFound(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(*targets.Workload)
		want   string // severity, path, summary, fix; "" fits
	}{
		{"timeout", func(w *targets.Workload) { w.Timeout = 11 * time.Minute },
			`warning timeout: timeout of 11m is more than 10m | Write timeout = "10m". Whoever owns the cluster can raise it`},
		{"half a second", func(w *targets.Workload) { w.Timeout = 1500 * time.Millisecond },
			`warning timeout: timeout of 1.5s is no multiple of 1s | Write timeout = "2s".`},
		{"concurrency", func(w *targets.Workload) { w.Scale.Concurrency = 1001 },
			`warning scale.concurrency: scale.concurrency of 1001 is more than 1000 | Write scale { concurrency = 1000 }.`},
		{"volume", func(w *targets.Workload) { w.Volumes = []targets.Volume{{Name: "data", Path: "/data", Size: 1 << 30}} },
			`error volume.data: a Knative Service has no volumes that an app can write to | Give ` + strings.Repeat("a", 63) + ` a target without serverless = true`},
		{"port", func(w *targets.Workload) { w.Port = 9090 },
			`error port: port 9090 is taken by Knative's proxy in each pod | Write port = 8080.`},
		{"variable", func(w *targets.Workload) { w.Env["K_SERVICE"] = "mine" },
			`error env.K_SERVICE: K_SERVICE is set by Knative | Give the variable another name.`},
		{"secret", func(w *targets.Workload) { w.Secrets[0].Name = "K_REVISION" },
			`error secret.K_REVISION: K_REVISION is set by Knative | Give the variable another name.`},
		{"background", func(w *targets.Workload) { w.Background = true },
			`error background: an instance that has no requests is stopped, with what it does in the background | Write scale { min = 1 }`},
		{"background with an instance", func(w *targets.Workload) { w.Background, w.Scale.Min = true, 1 }, ""},
		{"no name of a Secret", func(w *targets.Workload) { w.Secrets[1].From = "API_KEY" },
			`error secret.KEY.from: it names no Secret and no key of one | Write from = "api-key/KEY"`},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := serverlessWorkload()
			c.change(&w)
			found := fit.Check(describeWith(t, serverlessValues()), w)
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

func TestWhatDoesNotGoWithServerlessIsSaid(t *testing.T) {
	for _, c := range []struct{ attribute, value, at string }{
		{"namespace", "", "serverless"},
		{"gateway", "infra/public", "gateway"},
		{"ingress_class", "nginx", "ingress_class"},
		{"cluster_issuer", "letsencrypt", "cluster_issuer"},
	} {
		v := serverlessValues()
		if v[c.attribute] = c.value; c.value == "" {
			delete(v, c.attribute)
		}
		_, err := Plugin().Describe("cluster", v)
		var wrong *schema.Error
		if !errors.As(err, &wrong) || wrong.Attribute != c.at || wrong.Detail == "" {
			t.Errorf("%s = %q: got %v", c.attribute, c.value, err)
		}
	}
}

func TestTheAddressOfAKnativeServiceHasItsNamespace(t *testing.T) {
	target, err := Plugin().Open("cluster", serverlessValues())
	if err != nil {
		t.Fatal(err)
	}
	d := targets.Deployment{Key: targets.Key{Project: "shop", Service: "api", Environment: "prod"}}
	if got, want := target.Info().Operations.Address(d), "http://shop-api-prod-knative.shop"; got != want {
		t.Errorf("the address is %s, want %s", got, want)
	}
}

// knativeObject is a Knative Service as the cluster returns it.
func knativeObject(generation, observed int64, newest, ready string, conditions map[string]string) *unstructured.Unstructured {
	var list []any
	for kind, status := range conditions {
		list = append(list, map[string]any{"type": kind, "status": status, "message": "because of " + kind})
	}
	o := &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "serving.knative.dev/v1", "kind": "Service", "metadata": map[string]any{"name": "shop-api-prod-knative"},
		"status": map[string]any{
			"observedGeneration": observed, "latestCreatedRevisionName": newest, "latestReadyRevisionName": ready, "conditions": list,
		},
	}}
	o.SetGeneration(generation)
	return o
}

func TestARevisionIsRolledOutWhenItIsReadyAndHasTheRequests(t *testing.T) {
	for _, c := range []struct {
		name                 string
		is                   *unstructured.Unstructured
		rolledOut, hasFailed bool
	}{
		{"ready", knativeObject(2, 2, "two", "two", map[string]string{"Ready": "True"}), true, false},
		{"what was ready before", knativeObject(2, 1, "one", "one", map[string]string{"Ready": "True"}), false, false},
		{"what failed before", knativeObject(2, 1, "one", "", map[string]string{"Ready": "False"}), false, false},
		{"starting", knativeObject(2, 2, "two", "one", map[string]string{"Ready": "Unknown"}), false, false},
		{"ready without requests", knativeObject(2, 2, "two", "two", map[string]string{"Ready": "Unknown"}), false, false},
		{"failed", knativeObject(2, 2, "two", "one", map[string]string{"Ready": "False"}), false, true},
		{"nothing is known", knativeObject(1, 0, "", "", nil), false, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			if err := knativeRolledOut(c.is); (err == nil) != c.rolledOut || err != nil && !errors.Is(err, errRollingOut) {
				t.Errorf("rolled out: %v", err)
			}
			var unhealthy *targets.NotHealthyError
			if err := knativeFailed(c.is); errors.As(err, &unhealthy) != c.hasFailed || c.hasFailed && unhealthy.Reason != "because of Ready" {
				t.Errorf("failed: %v", err)
			}
		})
	}
}
