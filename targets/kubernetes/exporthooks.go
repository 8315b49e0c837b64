package kubernetes

import (
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/twofoldhq/twofold/targets"
	"github.com/twofoldhq/twofold/targets/names"
)

// What tools that apply files read from an object's annotations. Sources: "Chart Hooks"
// in the documentation of Helm, "Resource Hooks" and "Sync Phases and Waves" in that of
// Argo CD.
const (
	helmHook       = "helm.sh/hook"
	helmWeight     = "helm.sh/hook-weight"
	helmDeletion   = "helm.sh/hook-delete-policy"
	argoHook       = "argocd.argoproj.io/hook"
	argoWave       = "argocd.argoproj.io/sync-wave"
	argoDeletion   = "argocd.argoproj.io/hook-delete-policy"
	noteHook       = "dev.twofold.hook"
	digestInName   = 8
	longestJobName = 63
)

// hookJobs are the Jobs of the hooks, in their order.
func (e exported) hookJobs() (list []*unstructured.Unstructured) {
	before := 0
	for _, h := range e.hooks {
		if !h.After {
			before++
		}
	}
	order := map[bool]int{}
	for _, h := range e.hooks {
		o := e.hookJob(h)
		n := order[h.After]
		order[h.After]++
		if e.style == targets.ManifestsHelm {
			e.markForHelm(o, h, n)
		} else {
			e.markForArgo(o, h, n, before)
		}
		list = append(list, o)
	}
	return list
}

// hookJob is what a deploy runs for a hook, under a name that stays: with the release's
// digest in it, since a Job cannot be changed; Helm replaces it.
func (e exported) hookJob(h targets.Hook) *unstructured.Unstructured {
	w := *e.wanted
	w.Env = maps.Clone(w.Env)
	if w.Env == nil {
		w.Env = map[string]string{}
	}
	maps.Copy(w.Env, h.Env)
	w.Sensitive = append(slices.Clone(w.Sensitive), h.Sensitive...)
	name := w.name + "-hook-" + names.HostLabel(h.Name)
	if e.style != targets.ManifestsHelm {
		digest := strings.TrimPrefix(w.release, "sha256:")
		name += "-" + digest[:min(len(digest), digestInName)]
	}
	rest := map[string]any{}
	if h.Timeout > 0 {
		rest["activeDeadlineSeconds"] = int((h.Timeout + time.Second - 1) / time.Second)
	}
	o := w.jobOf(names.Shorten(name, name+"\x00"+h.Name, longestJobName), w.commandTemplate(h.Command), rest)
	setNote(o, noteHook, h.Name)
	return o
}

// markForHelm makes a Job a hook of a chart. Before the first installation there is no
// storage of volumes yet: a hook that may use them comes right after it, and before each
// upgrade.
func (e exported) markForHelm(o *unstructured.Unstructured, h targets.Hook, n int) {
	when := "pre-install,pre-upgrade"
	switch {
	case h.After:
		when = "post-install,post-upgrade"
	case len(e.Volumes) > 0:
		when = "post-install,pre-upgrade"
	}
	setNote(o, helmHook, when)
	setNote(o, helmWeight, strconv.Itoa(n))
	setNote(o, helmDeletion, "before-hook-creation,hook-succeeded")
}

// markForArgo makes a Job a hook of a sync. One that may use volumes is in the same phase
// as their storage, and in waves before all else.
func (e exported) markForArgo(o *unstructured.Unstructured, h targets.Hook, n, before int) {
	when, wave := "PreSync", n
	switch {
	case h.After:
		when = "PostSync"
	case len(e.Volumes) > 0:
		when, wave = "Sync", n-before
	}
	setNote(o, argoHook, when)
	setNote(o, argoWave, strconv.Itoa(wave))
	setNote(o, argoDeletion, "BeforeHookCreation,HookSucceeded")
}

// all are the objects that are written.
func (e exported) all() []*unstructured.Unstructured {
	claims, hooks := e.claims(), e.hookJobs()
	if e.style != targets.ManifestsHelm {
		for _, o := range hooks {
			if o.GetAnnotations()[argoHook] != "Sync" {
				continue
			}
			for _, claim := range claims {
				setNote(claim, argoWave, o.GetAnnotations()[argoWave])
			}
			break // The first has the lowest wave.
		}
	}
	return slices.Concat(claims, hooks, e.objects())
}
