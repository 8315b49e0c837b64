package kubernetes

import (
	"context"
	"slices"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// The server of a deployment is the object that runs its pods: a Deployment, or with
// serverless = true a Knative Service.

func isServer(o *unstructured.Unstructured) bool {
	return groupKind(o) == "Deployment.apps" || isKnative(o)
}

// serverOf returns the server among objects; every deployment has one.
func serverOf(objects []*unstructured.Unstructured) *unstructured.Unstructured {
	for _, o := range objects {
		if isServer(o) {
			return o
		}
	}
	return nil
}

// servers are the servers that are there, of both kinds: what was deployed with another
// value of serverless serves until the next deploy.
func (s *session) servers(ctx context.Context, pairs ...string) ([]unstructured.Unstructured, error) {
	labels := query(append(pairs, labelManagedBy, managedBy, labelTarget, labelValue(s.target.info.Name), labelRole, roleApp)...)
	found, err := s.list(ctx, deployments, labels)
	if err != nil {
		return nil, err
	}
	knative, err := s.list(ctx, knativeServices, labels)
	if err != nil && (s.target.settings.serverless || !apierrors.IsForbidden(err)) {
		return nil, err
	}
	found = slices.DeleteFunc(append(found, knative...), func(o unstructured.Unstructured) bool { return o.GetDeletionTimestamp() != nil })
	slices.SortFunc(found, func(a, b unstructured.Unstructured) int {
		return strings.Compare(a.GetLabels()[labelInstance], b.GetLabels()[labelInstance])
	})
	return found, nil
}

// serving returns the server of what serves, or of the deploy that has begun where nothing
// serves yet, or nil.
func (s *session) serving(ctx context.Context, set *applySet) (*unstructured.Unstructured, error) {
	found, err := s.servers(ctx, labelInstance, set.name)
	if err != nil || len(found) == 0 {
		return nil, err
	}
	if len(set.releases) > 0 {
		serves := serverOf(set.releases[0].objects())
		for _, o := range found {
			if serves != nil && groupKind(&o) == groupKind(serves) {
				return &o, nil
			}
		}
	}
	return &found[0], nil
}

// appPods are the pods of a deployment that answer requests.
func (s *session) appPods(ctx context.Context, name string) ([]unstructured.Unstructured, error) {
	return s.list(ctx, pods, query(labelInstance, name)+","+labelRole+" in ("+roleApp+","+roleServerless+")")
}
