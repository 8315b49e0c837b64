package kubernetes

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"

	"github.com/twofoldhq/twofold/targets"
	"github.com/twofoldhq/twofold/targets/names"
)

// manifests implements targets.Operations. No cluster is asked: the files are the same
// on every machine.
func (t *Target) manifests(ctx context.Context, r targets.ManifestsRequest) ([]targets.ManifestFile, error) {
	var list []exported
	for _, d := range r.Deployments {
		one, err := t.exported(ctx, d, r)
		if err != nil {
			return nil, fmt.Errorf("%s: export %q: %w", t.address(), d.Service, err)
		}
		list = append(list, one)
	}
	switch r.Style {
	case targets.ManifestsKustomize:
		return kustomization(t.settings.namespace, list)
	case targets.ManifestsHelm:
		return chart(list)
	}
	return plainFiles(list)
}

// exported is a deployment on its way to files.
type exported struct {
	*wanted
	hooks []targets.Hook
	style string
}

func (t *Target) exported(ctx context.Context, d targets.Deployment, r targets.ManifestsRequest) (exported, error) {
	switch {
	case t.settings.registry == "":
		return exported{}, errNoRegistry
	case len(d.Triggers) > 0:
		return exported{}, noTrigger(d.Triggers[0])
	}
	namespace := t.settings.namespace
	if r.Style == targets.ManifestsHelm {
		// A chart goes to the namespace that helm is told.
		namespace = ""
	}
	w, err := t.wanted(d, namespace)
	if err != nil {
		return exported{}, err
	}
	w.forFiles = true
	w.Events = r.Events
	e := exported{w, r.Hooks[d.Key], r.Style}
	if sensitive := e.sensitive(); len(sensitive) > 0 {
		w.envSecret = w.name + "-env"
		say(r.Events, true, "%s reads %s from the Secret %s, which is not among the files: make it with kubectl create secret generic %s",
			d.Service, strings.Join(sensitive, ", "), w.envSecret, w.envSecret)
	}
	if len(w.Schedules) > 0 {
		if w.poster, err = t.posterImage(ctx, r.Push); err != nil {
			return exported{}, err
		}
	}
	if r.Push {
		if err := push(ctx, w); err != nil {
			return exported{}, err
		}
	}
	return e, nil
}

// sensitive are the variables that are in a Secret of their own, sorted.
func (e exported) sensitive() (list []string) {
	add := func(env map[string]string, sensitive []string) {
		for name := range env {
			if slices.Contains(sensitive, name) {
				list = append(list, name)
			}
		}
	}
	add(e.Env, e.Sensitive)
	for _, h := range e.hooks {
		add(h.Env, append(slices.Clone(e.Sensitive), h.Sensitive...))
	}
	slices.Sort(list)
	return slices.Compact(list)
}

// clusterURL implements targets.Operations.
func (t *Target) clusterURL(d targets.Deployment) string {
	switch {
	case d.Domain != "" && (t.settings.gateway != "" || t.settings.issuer != ""):
		return "https://" + d.Domain
	case d.Domain != "":
		return "http://" + d.Domain
	case t.settings.serverless:
		return "http://" + knativeHost(names.Deployment(d.Key), t.settings.namespace)
	case t.settings.namespace != "":
		return "http://" + names.Deployment(d.Key) + "." + t.settings.namespace
	}
	return "http://" + names.Deployment(d.Key)
}

func plainFiles(list []exported) (files []targets.ManifestFile, err error) {
	for _, e := range list {
		for _, o := range e.all() {
			content, err := yaml.Marshal(o.Object)
			if err != nil {
				return nil, err
			}
			files = append(files, targets.ManifestFile{Path: e.folder() + "/" + e.file(o), Content: content})
		}
	}
	return files, nil
}

// folder is the service's, which no path can leave.
func (e exported) folder() string { return names.HostLabel(e.Service) }

// file names the file of an object after its kind, and what its name has beside the
// deployment's.
func (e exported) file(o *unstructured.Unstructured) string {
	name := strings.ToLower(o.GetKind())
	if rest := strings.TrimPrefix(strings.TrimPrefix(o.GetName(), e.name), "-"); rest != "" {
		name += "-" + rest
	}
	return name + ".yaml"
}

// kustomization adds what Kustomize reads: the images' digests are there, so that
// "kustomize edit set image" and image updaters find them.
func kustomization(namespace string, list []exported) ([]targets.ManifestFile, error) {
	var all []targets.ManifestFile
	var folders []string
	for _, e := range list {
		repository, digest, _ := strings.Cut(e.image, "@")
		plain := *e.wanted
		plain.image = repository
		e.wanted = &plain
		files, err := plainFiles([]exported{e})
		if err != nil {
			return nil, err
		}
		var resources []string
		for _, f := range files {
			resources = append(resources, strings.TrimPrefix(f.Path, e.folder()+"/"))
		}
		one := map[string]any{"resources": resources, "images": []any{map[string]any{"name": repository, "digest": digest}}}
		file, err := kustomizationFile(e.folder()+"/", one)
		if err != nil {
			return nil, err
		}
		all = append(append(all, files...), file)
		folders = append(folders, e.folder())
	}
	whole := map[string]any{"resources": folders}
	if namespace != "" {
		whole["namespace"] = namespace
	}
	file, err := kustomizationFile("", whole)
	return append(all, file), err
}

func kustomizationFile(folder string, rest map[string]any) (targets.ManifestFile, error) {
	rest["apiVersion"], rest["kind"] = "kustomize.config.k8s.io/v1beta1", "Kustomization"
	content, err := yaml.Marshal(rest)
	return targets.ManifestFile{Path: folder + "kustomization.yaml", Content: content}, err
}
