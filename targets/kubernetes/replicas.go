package kubernetes

import (
	"context"
	"encoding/json"
	"fmt"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
)

// replicasManager holds the number of instances of a Deployment that was twofold's and
// becomes the cluster's choice.
const replicasManager = fieldManager + "-replicas"

// leaveReplicas keeps the number of instances of a Deployment when the cluster begins to
// choose it: a field that its manager applies no more falls back to its default, which is
// one instance. Source: "Transferring ownership" in "Server-Side Apply" of the Kubernetes
// documentation.
func (s *session) leaveReplicas(ctx context.Context, o *unstructured.Unstructured) error {
	if !choosesReplicas(o) {
		return nil
	}
	is, err := s.get(ctx, deployments, o.GetName())
	if err != nil || is == nil || !ownsReplicas(is, fieldManager) {
		return err
	}
	text, err := json.Marshal(map[string]any{
		"apiVersion": is.GetAPIVersion(), "kind": is.GetKind(), "metadata": map[string]any{"name": is.GetName(), "namespace": s.namespace},
		"spec": map[string]any{"replicas": number(is.Object, "spec", "replicas")},
	})
	if err != nil {
		return err
	}
	force := true
	options := metav1.PatchOptions{FieldManager: replicasManager, Force: &force}
	if _, err := s.of(deployments).Patch(ctx, o.GetName(), types.ApplyPatchType, text, options); err != nil {
		return s.explain(fmt.Errorf("keep the number of instances of %s: %w", o.GetName(), err))
	}
	return nil
}

// choosesReplicas reports whether an object is a Deployment whose number of instances is
// left to the cluster.
func choosesReplicas(o *unstructured.Unstructured) bool {
	_, fixed, _ := unstructured.NestedFieldNoCopy(o.Object, "spec", "replicas")
	return o.GetKind() == "Deployment" && !fixed
}

// ownsReplicas reports whether a manager has applied the number of instances.
func ownsReplicas(is *unstructured.Unstructured, manager string) bool {
	for _, m := range is.GetManagedFields() {
		if m.Manager != manager || m.Operation != metav1.ManagedFieldsOperationApply || m.FieldsV1 == nil {
			continue
		}
		var fields struct {
			Spec map[string]json.RawMessage `json:"f:spec"`
		}
		if json.Unmarshal(m.FieldsV1.Raw, &fields) == nil && fields.Spec["f:replicas"] != nil {
			return true
		}
	}
	return false
}

// keepReplicas makes what a dry run says have the number of instances that there are,
// where a deploy leaves it alone.
func keepReplicas(o, is, would *unstructured.Unstructured) {
	if choosesReplicas(o) {
		unstructured.SetNestedField(would.Object, number(is.Object, "spec", "replicas"), "spec", "replicas")
	}
}
