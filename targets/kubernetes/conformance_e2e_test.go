//go:build e2e

package kubernetes

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/twofoldhq/twofold/manifest/schema"
	"github.com/twofoldhq/twofold/targets"
	"github.com/twofoldhq/twofold/targets/conformance"
	"github.com/twofoldhq/twofold/targets/kubernetes/kubetest"
)

// TestConformance runs the suite on a real cluster, in a namespace that lets in only what
// the profile "restricted" allows.
func TestConformance(t *testing.T) {
	c, releases := startCluster(t)
	storage := makeStorage(t, c)
	target, err := Plugin().Open("cluster", schema.Values{
		"kubeconfig": c.Kubeconfig, "namespace": "shop", "registry": c.Registry + "/shop", "service_type": "NodePort", "storage_class": storageClass,
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range conformance.Run(t.Context(), conformance.Config{
		Target: target, Releases: releases, Start: 10 * time.Second, Log: t.Logf, Rate: 200, Dir: t.TempDir(), Volumes: true, Schedules: true,
		SetSecret: func(ctx context.Context, name, value string) (targets.Secret, error) {
			kubectl(t, c, "", "-n", "shop", "create", "secret", "generic", "store", "--from-literal="+name+"="+value)
			return targets.Secret{Name: name, From: "store/" + name}, nil
		},
	}) {
		t.Error(f)
	}
	left := strings.Fields(kubectl(t, c, "", "-n", "shop", "get", "all,configmaps,secrets,leases,networkpolicies,serviceaccounts", "-l", labelManagedBy+"="+managedBy, "-o", "name"))
	if len(left) != 0 {
		t.Errorf("left after everything was destroyed: %q", left)
	}
	if claims := kubectl(t, c, "", "-n", "shop", "get", "pvc", "-o", "jsonpath={.items[*].status.phase}"); claims != "Bound" {
		t.Errorf("after everything was destroyed, the claims are %q, want one that is bound", claims)
	}
	if kept, err := os.ReadFile(filepath.Join(storage, "note")); err != nil || string(kept) != "kept" {
		t.Errorf("after everything was destroyed, the volume holds %q (%v)", kept, err)
	}
}

const storageClass = "test"

// makeStorage gives the cluster a volume that is a folder of root's: an app that runs as
// another user writes there because of the group of its pod.
func makeStorage(t *testing.T, c *kubetest.Cluster) (folder string) {
	t.Helper()
	folder = t.TempDir()
	node := kubectl(t, c, "", "get", "nodes", "-o", "jsonpath={.items[0].metadata.name}")
	kubectl(t, c, fmt.Sprintf(`
apiVersion: storage.k8s.io/v1
kind: StorageClass
metadata: {name: %[1]s}
provisioner: kubernetes.io/no-provisioner
volumeBindingMode: WaitForFirstConsumer
---
apiVersion: v1
kind: PersistentVolume
metadata: {name: %[1]s}
spec:
  capacity: {storage: 1Gi}
  accessModes: [ReadWriteOnce, ReadWriteMany]
  persistentVolumeReclaimPolicy: Retain
  storageClassName: %[1]s
  local: {path: %[2]q}
  nodeAffinity: {required: {nodeSelectorTerms: [{matchExpressions: [{key: kubernetes.io/hostname, operator: In, values: [%[3]s]}]}]}}
`, storageClass, folder, node), "apply", "-f", "-")
	return folder
}
