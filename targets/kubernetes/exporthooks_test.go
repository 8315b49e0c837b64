package kubernetes

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/twofoldhq/twofold/build"
	"github.com/twofoldhq/twofold/manifest/schema"
	"github.com/twofoldhq/twofold/release"
	"github.com/twofoldhq/twofold/targets"
)

// exportHooks writes a deployment with two hooks before it and one after.
func exportHooks(t *testing.T, style string, volumes bool) map[string]string {
	t.Helper()
	s, err := read(schema.Values{"registry": "registry.example.com/shop", "namespace": "shop"})
	if err != nil {
		t.Fatal(err)
	}
	d := wholeWorkload(t, nil).Deployment
	d.Schedules = nil
	if !volumes {
		d.Volumes = nil
	}
	d.Env["LOG"] = "quiet"
	d.Release = &release.Release{Digest: exportedDigest, Forms: []release.Form{{Kind: release.Image, Platform: build.Platform{OS: "linux", Arch: "amd64"}}}}
	r := targets.ManifestsRequest{Deployments: []targets.Deployment{d}, Style: style, Hooks: map[targets.Key][]targets.Hook{d.Key: {
		{
			Name: "migrate", Command: []string{"./server", "migrate"}, Timeout: 90 * time.Second,
			Env: map[string]string{"LOG": "loud", "PASSWORD": hidden}, Sensitive: []string{"PASSWORD"},
		},
		{Name: "seed", Command: []string{"./server", "seed"}, Timeout: time.Minute},
		{Name: "warm", Command: []string{"./server", "warm"}, Timeout: time.Minute, After: true},
	}}}
	var told strings.Builder
	r.Events = func(e targets.Event) { told.WriteString(e.Message) }
	files, err := newTarget("cluster", s).manifests(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(told.String(), "PASSWORD, TOKEN from the Secret shop-api-prod-env") {
		t.Errorf("it says %q of the Secret that has to be there", told.String())
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

// notesOf are the annotations of a Job that begin alike.
func notesOf(job map[string]any, prefix string) map[string]string {
	all := map[string]string{}
	for name, value := range job["metadata"].(map[string]any)["annotations"].(map[string]any) {
		if strings.HasPrefix(name, prefix) {
			all[strings.TrimPrefix(name, prefix)] = value.(string)
		}
	}
	return all
}

func TestHooksAreJobsOfArgoInFilesAndOfHelmInCharts(t *testing.T) {
	argo := func(hook, wave string) map[string]string {
		return map[string]string{"hook": hook, "sync-wave": wave, "hook-delete-policy": "BeforeHookCreation,HookSucceeded"}
	}
	helm := func(hook, weight string) map[string]string {
		return map[string]string{"hook": hook, "hook-weight": weight, "hook-delete-policy": "before-hook-creation,hook-succeeded"}
	}
	plain, kustomize, chart := targets.ManifestsPlain, targets.ManifestsKustomize, targets.ManifestsHelm
	for _, c := range []struct {
		style, job string
		volumes    bool
		want       map[string]string
	}{
		{plain, "migrate", false, argo("PreSync", "0")},
		{plain, "seed", false, argo("PreSync", "1")},
		{plain, "warm", false, argo("PostSync", "0")},
		{plain, "migrate", true, argo("Sync", "-2")},
		{plain, "seed", true, argo("Sync", "-1")},
		{kustomize, "seed", false, argo("PreSync", "1")},
		{chart, "migrate", false, helm("pre-install,pre-upgrade", "0")},
		{chart, "seed", false, helm("pre-install,pre-upgrade", "1")},
		{chart, "warm", false, helm("post-install,post-upgrade", "0")},
		{chart, "seed", true, helm("post-install,pre-upgrade", "1")},
	} {
		path, prefix := "api/job-hook-"+c.job+"-01234567.yaml", "argocd.argoproj.io/"
		if c.style == chart {
			path, prefix = "templates/api-job-hook-"+c.job+".yaml", "helm.sh/"
		}
		files := exportHooks(t, c.style, c.volumes)
		var job map[string]any
		if c.style == chart {
			job = rendered(t, files, document(t, files["values.yaml"]))[path]
		} else {
			job = document(t, files[path])
		}
		if diff := cmp.Diff(c.want, notesOf(job, prefix)); diff != "" {
			t.Errorf("%s, volumes %t, hook %s: %s", c.style, c.volumes, c.job, diff)
		}
		if _, named := job["spec"].(map[string]any)["template"].(map[string]any)["spec"].(map[string]any)["serviceAccountName"]; named {
			t.Errorf("%s: the Job of a hook needs a ServiceAccount that is not there yet", c.style)
		}
	}
	claim := document(t, exportHooks(t, plain, true)["api/persistentvolumeclaim-data.yaml"])
	if got := notesOf(claim, "argocd."); got["argoproj.io/sync-wave"] != "-2" {
		t.Errorf("the storage has the annotations %q, and the first hook needs it", got)
	}
}

func TestAHookOfAChartHasItsOwnVariablesAndTheValues(t *testing.T) {
	files := exportHooks(t, targets.ManifestsHelm, false)
	values := document(t, files["values.yaml"])
	values["api"].(map[string]any)["env"].(map[string]any)["ADDED"] = "1"
	all := rendered(t, files, values)
	for path, log := range map[string]string{"templates/api-job-hook-migrate.yaml": "loud", "templates/api-job-hook-seed.yaml": "quiet", "templates/api-deployment.yaml": "quiet"} {
		spec := all[path]["spec"].(map[string]any)["template"].(map[string]any)["spec"].(map[string]any)
		found := map[string][]any{}
		for _, one := range spec["containers"].([]any)[0].(map[string]any)["env"].([]any) {
			variable := one.(map[string]any)
			name := variable["name"].(string)
			found[name] = append(found[name], variable["value"])
		}
		if diff := cmp.Diff([]any{log}, found["LOG"]); diff != "" || len(found["ADDED"]) != 1 {
			t.Errorf("%s: ADDED is %v, LOG %s", path, found["ADDED"], diff)
		}
	}
}
