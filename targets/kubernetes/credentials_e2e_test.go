//go:build e2e

package kubernetes

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/client-go/tools/clientcmd/api"

	"github.com/twofoldhq/twofold/build"
	"github.com/twofoldhq/twofold/manifest/schema"
	"github.com/twofoldhq/twofold/release"
	"github.com/twofoldhq/twofold/targets"
	"github.com/twofoldhq/twofold/targets/conformance"
	"github.com/twofoldhq/twofold/targets/kubernetes/kubetest"
)

// The rights that docs/targets/kubernetes.md names, in its order; and a user who has none.
const accounts = `
{apiVersion: v1, kind: ServiceAccount, metadata: {name: deployer, namespace: shop}}
---
{apiVersion: v1, kind: ServiceAccount, metadata: {name: nobody, namespace: shop}}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: deployer, namespace: shop}
rules:
- {apiGroups: [apps], resources: [deployments], verbs: ["*"]}
- {apiGroups: [""], resources: [services, serviceaccounts, configmaps, secrets, persistentvolumeclaims], verbs: ["*"]}
- {apiGroups: [networking.k8s.io], resources: [networkpolicies, ingresses], verbs: ["*"]}
- {apiGroups: [autoscaling], resources: [horizontalpodautoscalers], verbs: ["*"]}
- {apiGroups: [policy], resources: [poddisruptionbudgets], verbs: ["*"]}
- {apiGroups: [batch], resources: [cronjobs, jobs], verbs: ["*"]}
- {apiGroups: [coordination.k8s.io], resources: [leases], verbs: ["*"]}
- {apiGroups: [""], resources: [pods, pods/log, events], verbs: [get, list, watch]}
- {apiGroups: [apps], resources: [replicasets], verbs: [get, list, watch]}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: deployer, namespace: shop}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: deployer}
subjects: [{kind: ServiceAccount, name: deployer, namespace: shop}]
`

// credentialsAreThoseOfKubectl logs in as people and pipelines do.
func credentialsAreThoseOfKubectl(t *testing.T, c *kubetest.Cluster, releases *conformance.Releases) {
	kubectl(t, c, accounts, "apply", "-f", "-")
	program := twofold(t)
	open := func(t *testing.T, kubeconfig, context string) *Target {
		target, err := Plugin().Open("cluster", schema.Values{
			"kubeconfig": kubeconfig, "context": context, "namespace": "shop", "registry": c.Registry + "/shop", "storage_class": storageClass,
		})
		if err != nil {
			t.Fatal(err)
		}
		return target.(*Target)
	}
	status := func(t *testing.T, kubeconfig, context string) error {
		_, err := open(t, kubeconfig, context).Status(t.Context(), targets.Filter{})
		return err
	}
	deployer, nobody := plugin(t, c, "deployer"), plugin(t, c, "nobody")

	t.Run("a plugin's token and the rights that are documented are enough", func(t *testing.T) {
		makeStorage(t, c)
		kubectl(t, c, "", "-n", "shop", "create", "secret", "generic", "rights", "--from-literal=token="+hidden)
		useEverything(t, open(t, withUsers(t, c, deployer), "deployer"), releases)
	})
	t.Run("another context than the current one", func(t *testing.T) {
		both := withUsers(t, c, nobody, deployer)
		err := status(t, both, "nobody")
		for _, want := range []string{`"system:serviceaccount:shop:nobody" cannot list resource "deployments"`, "give the user of the context the right, or name another context"} {
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("who has no rights is told %v, want %q", err, want)
			}
		}
		if err := status(t, both, "deployer"); err != nil {
			t.Error(err)
		}
		if err, want := status(t, both, "staging"), `no context "staging": it has "deployer", "nobody"`; err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("with a context that there is not: %v, want %q", err, want)
		}
	})
	t.Run("a plugin that asks has no terminal", func(t *testing.T) {
		asks := nobody
		asks.exec = &api.ExecConfig{APIVersion: execAPI, Command: script(t, "read answer || { echo 'log in first' >&2; exit 1; }"), InteractiveMode: api.IfAvailableExecInteractiveMode}
		bounded, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		_, err := open(t, withUsers(t, c, asks), "nobody").Status(bounded, targets.Filter{})
		if err == nil || bounded.Err() != nil || !strings.Contains(err.Error(), "exit code 1") {
			t.Errorf("a plugin that asks when it can: %v", err)
		}
		asks.exec.InteractiveMode = api.AlwaysExecInteractiveMode
		_, err = open(t, withUsers(t, c, asks), "nobody").Status(bounded, targets.Filter{})
		if err == nil || bounded.Err() != nil || !strings.Contains(err.Error(), "standard input is not a terminal") {
			t.Errorf("a plugin that always asks: %v", err)
		}
	})
	t.Run("a pod of the cluster", func(t *testing.T) { podsNeedNoKubeconfig(t, c, program) })
}

// useEverything does what can be done with a service that has every kind of object.
func useEverything(t *testing.T, target *Target, releases *conformance.Releases) {
	d := targets.Deployment{
		Key:     targets.Key{Project: "shop", Service: "rights", Environment: "prod"},
		Release: releases.One, Port: conformance.Port, Health: conformance.Health, Start: 30 * time.Second,
		Scale: targets.Scale{Min: 2, Max: 3}, Domain: "shop.example.com",
		Env: map[string]string{"TOKEN": hidden}, Sensitive: []string{"TOKEN"},
		Secrets:   []targets.Secret{{Name: "OTHER", From: "rights/token"}},
		Volumes:   []targets.Volume{{Name: "data", Path: "/mnt/data", Size: 16 << 20}},
		Schedules: []targets.Schedule{{Name: "yearly", Cron: "0 0 1 1 *", Zone: "UTC", Path: "/tick"}},
	}
	for _, r := range []*release.Release{releases.One, releases.Two} {
		d.Release = r
		if _, err := target.Deploy(t.Context(), d); err != nil {
			t.Fatal(err)
		}
	}
	if plan, err := target.Plan(t.Context(), d); err != nil || plan.Action != targets.ActionNone {
		t.Errorf("a deploy would do %+v (%v)", plan, err)
	}
	if _, err := target.rollback(t.Context(), targets.RollbackRequest{Key: d.Key}); err != nil {
		t.Error(err)
	}
	if list, err := target.Status(t.Context(), targets.Filter(d.Key)); err != nil || len(list) != 1 || list[0].Release != releases.One.Digest {
		t.Errorf("the status is %+v (%v)", list, err)
	}
	var out strings.Builder
	if err := target.logs(t.Context(), targets.LogsRequest{Key: d.Key, Out: &out}); err != nil || out.Len() == 0 {
		t.Errorf("the logs are %q (%v)", out.String(), err)
	}
	d.Release = releases.Crashing
	d.Start = 5 * time.Second
	if _, err := target.Deploy(t.Context(), d); err == nil {
		t.Error("a release that crashes is deployed")
	}
	if _, err := target.Destroy(t.Context(), d.Key); err != nil {
		t.Error(err)
	}
}

// podsNeedNoKubeconfig runs twofold itself in the cluster, as a pipeline does.
func podsNeedNoKubeconfig(t *testing.T, c *kubetest.Cluster, program string) {
	manifest := filepath.Join(t.TempDir(), "twofold.hcl")
	text := `
project = "shop"
service "api" {
  build "go" {}
  target = target.kubernetes.cluster
}
target "kubernetes" "cluster" { registry = "registry.example.com" }
`
	if err := os.WriteFile(manifest, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	tree := &build.Tree{Platform: build.Platform{OS: "linux", Arch: runtime.GOARCH}, Command: []string{"./twofold"}}
	for _, f := range []build.File{{Path: "twofold", Source: program, Executable: true}, {Path: "twofold.hcl", Source: manifest}} {
		var err error
		if f.Info, err = os.Lstat(f.Source); err != nil {
			t.Fatal(err)
		}
		tree.Files = append(tree.Files, f)
	}
	store, err := release.OpenStore(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	r, err := release.Assemble(t.Context(), store, release.Spec{Project: "shop", Service: "pipeline", Port: conformance.Port, Trees: []*build.Tree{tree}}, release.Options{})
	if err != nil {
		t.Fatal(err)
	}
	image, err := release.Push(t.Context(), r, c.Registry+"/pipeline:latest")
	if err != nil {
		t.Fatal(err)
	}
	kubectl(t, c, fmt.Sprintf(`
apiVersion: v1
kind: Pod
metadata: {name: pipeline, namespace: shop}
spec:
  serviceAccountName: deployer
  restartPolicy: Never
  securityContext: {runAsNonRoot: true, seccompProfile: {type: RuntimeDefault}}
  containers:
  - name: twofold
    image: %s
    command: [./twofold, status]
    env: [{name: HOME, value: /tmp}]
    securityContext: {allowPrivilegeEscalation: false, capabilities: {drop: [ALL]}}
`, image), "apply", "-f", "-")
	kubectl(t, c, "", "-n", "shop", "wait", "pod/pipeline", "--for=jsonpath={.status.containerStatuses[0].state.terminated}", "--timeout=60s")
	if printed := kubectl(t, c, "", "-n", "shop", "logs", "pipeline"); !strings.Contains(printed, "nothing is deployed") {
		t.Errorf("in a pod, twofold status prints %s", printed)
	}
	kubectl(t, c, "", "-n", "shop", "delete", "pod", "pipeline", "--wait=false")
}

const execAPI = "client.authentication.k8s.io/v1"

// user is a user of a kubeconfig who logs in with a credential plugin.
type user struct {
	name string
	exec *api.ExecConfig
}

// plugin is a user whose plugin prints the token of a service account.
func plugin(t *testing.T, c *kubetest.Cluster, account string) user {
	t.Helper()
	token := strings.TrimSpace(kubectl(t, c, "", "-n", "shop", "create", "token", account))
	credential, err := json.Marshal(map[string]any{"apiVersion": execAPI, "kind": "ExecCredential", "status": map[string]any{"token": token}})
	if err != nil {
		t.Fatal(err)
	}
	return user{account, &api.ExecConfig{
		APIVersion: execAPI, Command: script(t, "echo '"+string(credential)+"'"), InteractiveMode: api.NeverExecInteractiveMode,
	}}
}

func script(t *testing.T, text string) (path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "plugin")
	if err := os.WriteFile(path, []byte("#!/bin/sh\n"+text+"\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	return path
}

// withUsers is the path of a kubeconfig with a context for each user, of which the first
// is the current one.
func withUsers(t *testing.T, c *kubetest.Cluster, users ...user) (path string) {
	t.Helper()
	config, err := clientcmd.LoadFromFile(c.Kubeconfig)
	if err != nil {
		t.Fatal(err)
	}
	cluster := config.Contexts[config.CurrentContext].Cluster
	config.Contexts, config.AuthInfos = map[string]*api.Context{}, map[string]*api.AuthInfo{}
	config.CurrentContext = users[0].name
	for _, u := range users {
		config.Contexts[u.name] = &api.Context{Cluster: cluster, AuthInfo: u.name}
		config.AuthInfos[u.name] = &api.AuthInfo{Exec: u.exec}
	}
	path = filepath.Join(t.TempDir(), "kubeconfig")
	if err := clientcmd.WriteToFile(*config, path); err != nil {
		t.Fatal(err)
	}
	return path
}

// twofold builds the program as it is released.
func twofold(t *testing.T) string {
	t.Helper()
	program := filepath.Join(t.TempDir(), "twofold")
	build := exec.CommandContext(t.Context(), "go", "build", "-o", program, "github.com/twofoldhq/twofold")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	return program
}
