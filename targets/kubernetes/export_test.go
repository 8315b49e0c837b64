package kubernetes

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"text/template"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/yaml"

	"github.com/twofoldhq/twofold/build"
	"github.com/twofoldhq/twofold/manifest/schema"
	"github.com/twofoldhq/twofold/release"
	"github.com/twofoldhq/twofold/targets"
)

const exportedDigest = "sha256:0123456789abcdef"

// export writes a deployment with everything that a manifest has, but schedules, whose
// image is made of the program that runs.
func export(t *testing.T, style string, values schema.Values) map[string]string {
	t.Helper()
	all := schema.Values{"registry": "registry.example.com/shop", "namespace": "shop"}
	for name, value := range values {
		all[name] = value
	}
	s, err := read(all)
	if err != nil {
		t.Fatal(err)
	}
	d := wholeWorkload(t, nil).Deployment
	d.Schedules = nil
	d.Volumes[0].Path = "/mnt/{{ data }}"
	if s.serverless {
		d.Volumes = nil
	}
	d.Env["BRACES"], d.Env["QUOTES"], d.Env["YES"] = `{{ .Values }} and "{{"`, "a \"b\" 'c' \\ \n<d> ü", "yes"
	d.Release = &release.Release{Digest: exportedDigest, Forms: []release.Form{{Kind: release.Image, Platform: build.Platform{OS: "linux", Arch: "amd64"}}}}
	var told []string
	files, err := newTarget("cluster", s).manifests(t.Context(), targets.ManifestsRequest{
		Deployments: []targets.Deployment{d}, Style: style,
		Events: func(e targets.Event) { told = append(told, e.Message) },
	})
	if err != nil {
		t.Fatal(err)
	}
	if !slices.ContainsFunc(told, func(m string) bool { return strings.Contains(m, "TOKEN") && strings.Contains(m, "shop-api-prod-env") }) {
		t.Errorf("nothing says that the Secret with TOKEN has to be made: %q", told)
	}
	byPath := map[string]string{}
	for _, f := range files {
		if strings.Contains(string(f.Content), hidden) {
			t.Errorf("%s shows the value of a sensitive variable", f.Path)
		}
		byPath[f.Path] = string(f.Content)
	}
	return byPath
}

func document(t *testing.T, text string) map[string]any {
	t.Helper()
	var o map[string]any
	if err := yaml.UnmarshalStrict([]byte(text), &o); err != nil {
		t.Fatalf("%v in:\n%s", err, text)
	}
	return o
}

func TestPlainManifestsAreOneFileForEachObject(t *testing.T) {
	files := export(t, targets.ManifestsPlain, nil)
	var kinds []string
	for path, text := range files {
		kinds = append(kinds, path)
		metadata := document(t, text)["metadata"].(map[string]any)
		if metadata["namespace"] != "shop" {
			t.Errorf("%s goes to namespace %v", path, metadata["namespace"])
		}
	}
	slices.Sort(kinds)
	want := []string{
		"api/deployment.yaml", "api/horizontalpodautoscaler.yaml", "api/ingress.yaml", "api/networkpolicy.yaml",
		"api/persistentvolumeclaim-assets.yaml", "api/persistentvolumeclaim-data.yaml", "api/poddisruptionbudget.yaml",
		"api/service.yaml", "api/serviceaccount.yaml",
	}
	if diff := cmp.Diff(want, kinds); diff != "" {
		t.Error(diff)
	}
	if want := "image: registry.example.com/shop/shop-api-prod@" + exportedDigest; !strings.Contains(files["api/deployment.yaml"], want) {
		t.Errorf("the image is not named by its digest: %s", files["api/deployment.yaml"])
	}
}

func TestKustomizeHasTheDigestOfTheImage(t *testing.T) {
	files := export(t, targets.ManifestsKustomize, nil)
	if strings.Contains(files["api/deployment.yaml"], "image: registry.example.com/shop/shop-api-prod@") {
		t.Error("the digest is in the Deployment too, where kustomize edit set image does not reach it")
	}
	one := document(t, files["api/kustomization.yaml"])
	images := []any{map[string]any{"name": "registry.example.com/shop/shop-api-prod", "digest": exportedDigest}}
	if diff := cmp.Diff(images, one["images"]); diff != "" {
		t.Error(diff)
	}
	if n := len(one["resources"].([]any)); n != len(files)-2 {
		t.Errorf("%d resources of %d files", n, len(files))
	}
	whole := document(t, files["kustomization.yaml"])
	if diff := cmp.Diff([]any{"api"}, whole["resources"]); diff != "" || whole["namespace"] != "shop" {
		t.Errorf("%v %s", whole["namespace"], diff)
	}
}

// rendered fills a chart's templates as Helm does, with those functions that they use.
func rendered(t *testing.T, files map[string]string, values map[string]any) map[string]map[string]any {
	t.Helper()
	functions := template.FuncMap{
		"toJson":   func(v any) (string, error) { text, err := json.Marshal(v); return string(text), err },
		"toString": func(v any) string { return fmt.Sprint(v) },
		"omit": func(from map[string]any, names ...string) map[string]any {
			rest := maps.Clone(from)
			for _, name := range names {
				delete(rest, name)
			}
			return rest
		},
		"replace": func(from, to, in string) string { return strings.ReplaceAll(in, from, to) },
	}
	data := map[string]any{"Values": values, "Release": map[string]any{"Service": "Helm"}}
	all := map[string]map[string]any{}
	for path, text := range files {
		if !strings.HasPrefix(path, "templates/") {
			continue
		}
		parsed, err := template.New(path).Funcs(functions).Option("missingkey=error").Parse(text)
		if err != nil {
			t.Fatalf("%s: %v\n%s", path, err, text)
		}
		var out bytes.Buffer
		if err := parsed.Execute(&out, data); err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		all[path] = document(t, out.String())
	}
	return all
}

func mustYAML(t *testing.T, v any) string {
	t.Helper()
	text, err := yaml.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// With the values that a chart comes with, its objects are those of a deploy.
func TestAChartIsWhatADeployMakes(t *testing.T) {
	t.Run("a Deployment", func(t *testing.T) { aChartIsWhatADeployMakes(t, schema.Values{"storage_class": "fast"}) })
	t.Run("a Knative Service", func(t *testing.T) { aChartIsWhatADeployMakes(t, schema.Values{"serverless": true}) })
}

func aChartIsWhatADeployMakes(t *testing.T, values schema.Values) {
	files := export(t, targets.ManifestsHelm, values)
	plain := export(t, targets.ManifestsPlain, values)
	all := rendered(t, files, document(t, files["values.yaml"]))
	if len(all) != len(plain) {
		t.Errorf("%d templates for %d objects", len(all), len(plain))
	}
	for path, text := range plain {
		want := document(t, text)
		metadata := want["metadata"].(map[string]any)
		delete(metadata, "namespace")
		metadata["labels"].(map[string]any)[labelManagedBy] = "Helm"
		if want["kind"] == "PersistentVolumeClaim" {
			metadata["annotations"].(map[string]any)["helm.sh/resource-policy"] = "keep"
		}
		got := all["templates/"+strings.Replace(path, "/", "-", 1)]
		if spec, ok := want["spec"].(map[string]any); ok && spec["template"] != nil {
			sortEnv(want)
			sortEnv(got)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: %s", path, diff)
		}
	}
}

func sortEnv(deployment map[string]any) {
	spec := deployment["spec"].(map[string]any)["template"].(map[string]any)["spec"].(map[string]any)
	env := spec["containers"].([]any)[0].(map[string]any)["env"].([]any)
	slices.SortFunc(env, func(a, b any) int {
		return strings.Compare(a.(map[string]any)["name"].(string), b.(map[string]any)["name"].(string))
	})
}

func TestTheBoundsOfAKnativeServiceAreValuesOfAChart(t *testing.T) {
	files := export(t, targets.ManifestsHelm, schema.Values{"serverless": true})
	values := document(t, files["values.yaml"])
	values["api"].(map[string]any)["scale"].(map[string]any)["max"] = 30
	text := mustYAML(t, rendered(t, files, values)["templates/api-service-knative.yaml"])
	if want := noteMaxScale + `: "30"`; !strings.Contains(text, want) {
		t.Errorf("it lacks %q:\n%s", want, text)
	}
}

func TestTheValuesOfAChartReachItsObjects(t *testing.T) {
	files := export(t, targets.ManifestsHelm, nil)
	values := document(t, files["values.yaml"])
	api := values["api"].(map[string]any)
	api["env"].(map[string]any)["ADDED"] = "costs $1"
	api["image"].(map[string]any)["digest"] = "sha256:other"
	api["autoscaling"].(map[string]any)["maxReplicas"] = 30
	api["serviceType"] = "LoadBalancer"
	all := rendered(t, files, values)
	for path, want := range map[string]string{
		"templates/api-deployment.yaml":              "@sha256:other",
		"templates/api-horizontalpodautoscaler.yaml": "maxReplicas: 30",
		"templates/api-service.yaml":                 "type: LoadBalancer",
	} {
		if text := mustYAML(t, all[path]); !strings.Contains(text, want) {
			t.Errorf("%s lacks %q:\n%s", path, want, text)
		}
	}
	if text := mustYAML(t, all["templates/api-deployment.yaml"]); !strings.Contains(text, "name: ADDED\n") || !strings.Contains(text, "costs $$1") {
		t.Errorf("a variable that was added to the values is not among the app's:\n%s", text)
	}
}
