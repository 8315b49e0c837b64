package kubernetes

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// What a deployment consists of is an ApplySet: a parent that lists the kinds, and a
// label on each member. Source: "ApplySet specification" in KEP 3659 of Kubernetes,
// https://github.com/kubernetes/enhancements/tree/master/keps/sig-cli/3659-kubectl-apply-prune
const (
	setID      = "applyset.kubernetes.io/id"
	setPart    = "applyset.kubernetes.io/part-of"
	setTooling = "applyset.kubernetes.io/tooling"
	setKinds   = "applyset.kubernetes.io/contains-group-kinds"
)

// applySetID is the id of the set whose parent is the ConfigMap of that name.
func applySetID(name, namespace string) string {
	sum := sha256.Sum256([]byte(name + "." + namespace + ".ConfigMap."))
	return "applyset-" + base64.RawURLEncoding.EncodeToString(sum[:]) + "-v1"
}

// groupKind is how the annotation of the parent names a kind.
func groupKind(o *unstructured.Unstructured) string {
	gk := o.GroupVersionKind().GroupKind()
	if gk.Group == "" {
		return gk.Kind
	}
	return gk.Kind + "." + gk.Group
}

// kindsOf are those of objects, and of an annotation, sorted.
func kindsOf(list []*unstructured.Unstructured, annotation string) string {
	all := strings.FieldsFunc(annotation, func(r rune) bool { return r == ',' })
	for _, o := range list {
		all = append(all, groupKind(o))
	}
	slices.Sort(all)
	return strings.Join(slices.Compact(all), ",")
}

// join marks objects as members of the set.
func join(list []*unstructured.Unstructured, id string) {
	for _, o := range list {
		all := o.GetLabels()
		all[setPart] = id
		o.SetLabels(all)
	}
}

// member is an object of a set that is in the cluster.
type member struct {
	resource schema.GroupVersionResource
	kind     string
	name     string
}

// strangers are the members of the set that are not wanted. What a controller has made is
// none, also where it copies labels: it goes with what it was made for.
func (s *session) strangers(ctx context.Context, id, kinds string, wanted []*unstructured.Unstructured) (list []member, err error) {
	known := map[member]bool{}
	for _, o := range wanted {
		known[member{resourceOf(groupKind(o)), o.GetKind(), o.GetName()}] = true
	}
	for _, gk := range strings.FieldsFunc(kinds, func(r rune) bool { return r == ',' }) {
		kind, _, _ := strings.Cut(gk, ".")
		r := resourceOf(gk)
		if r.Resource == "" {
			continue // of a later version of twofold
		}
		found, err := s.list(ctx, r, query(setPart, id))
		if err != nil {
			return nil, err
		}
		for _, o := range found {
			if m := (member{r, kind, o.GetName()}); !known[m] && metav1.GetControllerOf(&o) == nil {
				list = append(list, m)
			}
		}
	}
	slices.SortFunc(list, func(a, b member) int { return strings.Compare(a.kind+"/"+a.name, b.kind+"/"+b.name) })
	return list, nil
}
