package kubernetes

import (
	"context"
	"fmt"
	"slices"
	"sort"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/twofoldhq/twofold/targets"
)

// differences are what a deploy would change. The cluster itself says what would be
// there, in a dry run, so that its defaults are no differences.
func (s *session) differences(ctx context.Context, set *applySet, objects []*unstructured.Unstructured) ([]targets.Change, error) {
	var changes []targets.Change
	join(objects, set.id)
	for _, o := range objects {
		is, err := s.get(ctx, resourceOf(groupKind(o)), o.GetName())
		if err != nil {
			return nil, err
		}
		title := o.GetKind() + " " + o.GetName()
		if is == nil {
			changes = append(changes, targets.Change{Name: title, After: "made"})
			continue
		}
		would, err := s.apply(ctx, o, true)
		if err != nil {
			return nil, err
		}
		keepReplicas(o, is, would)
		changes = append(changes, compare(title, is, would)...)
	}
	if set.exists {
		strangers, err := s.strangers(ctx, set.id, set.kinds, append(set.kept(), objects...))
		if err != nil {
			return nil, err
		}
		for _, m := range strangers {
			changes = append(changes, targets.Change{Name: m.kind + " " + m.name, Before: "there", After: "removed"})
		}
	}
	slices.SortFunc(changes, func(a, b targets.Change) int { return strings.Compare(a.Name, b.Name) })
	return changes, nil
}

// compare lists the fields that differ. The values of a Secret are not shown.
func compare(title string, is, would *unstructured.Unstructured) []targets.Change {
	before, after := flat(is), flat(would)
	all := map[string]bool{}
	for path := range before {
		all[path] = true
	}
	for path := range after {
		all[path] = true
	}
	var changes []targets.Change
	for path := range all {
		if before[path] == after[path] {
			continue
		}
		c := targets.Change{Name: title + ": " + path, Before: before[path], After: after[path]}
		if is.GetKind() == "Secret" {
			c.Before, c.After = "a value", "another value"
		}
		changes = append(changes, c)
	}
	return changes
}

// flat are the fields of an object by their paths, without what the cluster keeps there
// for itself.
func flat(o *unstructured.Unstructured) map[string]string {
	o = o.DeepCopy()
	for _, path := range [][]string{
		{"status"}, {"metadata", "managedFields"}, {"metadata", "resourceVersion"}, {"metadata", "generation"},
		{"metadata", "uid"}, {"metadata", "creationTimestamp"}, {"metadata", "annotations", "deployment.kubernetes.io/revision"},
	} {
		unstructured.RemoveNestedField(o.Object, path...)
	}
	all := map[string]string{}
	flatten(all, "", o.Object)
	return all
}

func flatten(into map[string]string, path string, v any) {
	switch v := v.(type) {
	case map[string]any:
		for name, one := range v {
			flatten(into, strings.TrimPrefix(path+"."+name, "."), one)
		}
	case []any:
		for n, one := range v {
			name := fmt.Sprint(n)
			if m, ok := one.(map[string]any); ok {
				if own, ok := m["name"].(string); ok {
					name = own // An element with a name stays itself at another place.
				}
			}
			flatten(into, path+"."+name, one)
		}
	default:
		into[path] = fmt.Sprint(v)
	}
}

// Plan implements targets.Target.
func (t *Target) Plan(ctx context.Context, d targets.Deployment) (plan targets.Plan, err error) {
	plan = targets.Plan{Key: d.Key, Target: t.address(), Action: targets.ActionNone}
	err = t.with(fmt.Sprintf("plan %q", d.Service), nil, func(s *session) error {
		if t.settings.registry == "" {
			return errNoRegistry
		}
		w, err := s.wanted(ctx, d)
		if err != nil {
			return err
		}
		if err := s.fires(ctx, w, false); err != nil {
			return err
		}
		set, err := s.set(ctx, d.Key)
		if err != nil {
			return err
		}
		if plan.Changes, err = s.differences(ctx, set, append(w.claims(), w.objects()...)); err != nil {
			return err
		}
		running, err := s.serving(ctx, set)
		if err != nil {
			return err
		}
		switch {
		case running == nil || len(set.releases) == 0:
			plan.Action = targets.ActionCreate
		case len(plan.Changes) > 0 || !set.settled():
			plan.Action = targets.ActionUpdate
		}
		if plan.Action != targets.ActionNone {
			before := ""
			if running != nil {
				before = running.GetAnnotations()[noteRelease]
			}
			if before != w.release {
				plan.Changes = append(plan.Changes, targets.Change{Name: "release", Before: before, After: w.release})
			}
		}
		sort.Slice(plan.Changes, func(a, b int) bool { return plan.Changes[a].Name < plan.Changes[b].Name })
		return nil
	})
	return plan, err
}
