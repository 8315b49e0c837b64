package kubernetes

import (
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/twofoldhq/twofold/targets"
)

// podTemplate is a pod without containers, as the profile "restricted" of the Pod
// Security Standards wants it.
func (w *wanted) podTemplate(role string) map[string]any {
	security := map[string]any{"runAsNonRoot": true, "seccompProfile": map[string]any{"type": "RuntimeDefault"}}
	if len(w.Volumes) > 0 {
		// The user of twofold's base image, so that the app can write.
		security["fsGroup"], security["fsGroupChangePolicy"] = appGroup, "OnRootMismatch"
	}
	volumes := []any{map[string]any{"name": "tmp", "emptyDir": map[string]any{}}}
	for _, v := range w.Volumes {
		volumes = append(volumes, map[string]any{"name": volumePod(v), "persistentVolumeClaim": map[string]any{"claimName": claimName(w.name, v.Name)}})
	}
	spec := map[string]any{
		"serviceAccountName": w.name, "automountServiceAccountToken": false, "enableServiceLinks": false,
		"securityContext":               security,
		"terminationGracePeriodSeconds": int(w.grace() / time.Second),
		"affinity":                      w.affinity(role),
		"volumes":                       volumes,
	}
	if role == roleApp && len(w.Volumes) == 0 {
		spec["topologySpreadConstraints"] = []any{map[string]any{
			"maxSkew": 1, "topologyKey": "kubernetes.io/hostname", "whenUnsatisfiable": "ScheduleAnyway",
			"labelSelector":  map[string]any{"matchLabels": selector(w.name, roleApp)},
			"matchLabelKeys": []string{"pod-template-hash"},
		}}
	}
	if w.settings.pullSecret != "" {
		spec["imagePullSecrets"] = []any{map[string]any{"name": w.settings.pullSecret}}
	}
	annotations := notes(w.Key)
	annotations[noteRelease] = w.release
	if w.secretsNote != "" {
		annotations[noteSecrets] = w.secretsNote
	}
	return map[string]any{
		"metadata": map[string]any{"labels": labels(w.Key, w.target, role), "annotations": annotations},
		"spec":     spec,
	}
}

// appGroup is the number of the group that apps run as on twofold's base image.
const appGroup = 65532

func volumePod(v targets.Volume) string { return "volume-" + labelValue(v.Name) }

// grace is how long a pod has to end: it still takes requests for a moment, then
// answers those in flight, then ends.
func (w *wanted) grace() time.Duration {
	timeout := w.Timeout
	if timeout == 0 {
		timeout = defaultTimeout
	}
	return drain + timeout + stopGrace
}

// affinity keeps a pod on nodes that the release has an image for, and the pods of a
// volume together: most kinds of storage are mounted by one node at a time.
func (w *wanted) affinity(role string) map[string]any {
	all := map[string]any{"nodeAffinity": nodesFor(w.archs)}
	if len(w.Volumes) > 0 {
		all["podAffinity"] = map[string]any{"preferredDuringSchedulingIgnoredDuringExecution": []any{map[string]any{
			"weight": 100,
			"podAffinityTerm": map[string]any{
				"topologyKey": "kubernetes.io/hostname", "labelSelector": map[string]any{"matchLabels": selector(w.name, roleApp)},
			},
		}}}
	}
	return all
}

// nodesFor keeps a pod on nodes with one of these processors.
func nodesFor(archs []string) map[string]any {
	return map[string]any{"requiredDuringSchedulingIgnoredDuringExecution": map[string]any{
		"nodeSelectorTerms": []any{map[string]any{"matchExpressions": []any{
			map[string]any{"key": "kubernetes.io/os", "operator": "In", "values": []string{"linux"}},
			map[string]any{"key": "kubernetes.io/arch", "operator": "In", "values": archs},
		}}},
	}}
}

// container is the app's, without what makes it a server.
func (w *wanted) container() map[string]any {
	mounts := []any{map[string]any{"name": "tmp", "mountPath": "/tmp"}}
	for _, v := range w.Volumes {
		mount := map[string]any{"name": volumePod(v), "mountPath": v.Path}
		if v.ReadOnly {
			mount["readOnly"] = true
		}
		mounts = append(mounts, mount)
	}
	c := map[string]any{
		"name": "app", "image": w.image, "env": w.env(), "volumeMounts": mounts,
		"terminationMessagePolicy": "FallbackToLogsOnError",
		"securityContext":          restricted(),
	}
	if r := w.resources(); r != nil {
		c["resources"] = r
	}
	return c
}

// restricted is what a container of the profile "restricted" may not do, and a root
// that nobody writes to.
func restricted() map[string]any {
	return map[string]any{
		"allowPrivilegeEscalation": false, "readOnlyRootFilesystem": true, "runAsNonRoot": true,
		"capabilities": map[string]any{"drop": []string{"ALL"}},
	}
}

// resources are what the manifest names as the limit of an instance: it is asked for
// as well, so that a node which takes the pod has it. Autoscaling needs a number.
func (w *wanted) resources() map[string]any {
	const defaultCPU = 100
	requests, limits := map[string]any{}, map[string]any{}
	if w.Memory > 0 {
		requests["memory"], limits["memory"] = quantity(w.Memory), quantity(w.Memory)
	}
	if w.CPU > 0 {
		requests["cpu"], limits["cpu"] = targets.CPUText(w.CPU), targets.CPUText(w.CPU)
	} else if w.scales() && !w.settings.serverless {
		requests["cpu"] = targets.CPUText(defaultCPU)
	}
	all := map[string]any{}
	if len(requests) > 0 {
		all["requests"] = requests
	}
	if len(limits) > 0 {
		all["limits"] = limits
	}
	if len(all) == 0 {
		return nil
	}
	return all
}

// env is the environment, sorted, then the secrets. No value of a secret is in it.
func (w *wanted) env() []any {
	var list []any
	for _, name := range w.envNames() {
		switch {
		case name == "PORT":
		case w.envSecret != "" && slices.Contains(w.Sensitive, name):
			list = append(list, variableFrom(name, w.envSecret, name))
		default:
			// $(NAME) would be replaced by the cluster. Source: "Define Dependent
			// Environment Variables" in the Kubernetes documentation.
			list = append(list, map[string]any{"name": name, "value": strings.ReplaceAll(w.Env[name], "$", "$$")})
		}
	}
	secrets := map[string]targets.Secret{}
	for _, s := range w.Secrets {
		secrets[s.Name] = s
	}
	for _, name := range slices.Sorted(maps.Keys(secrets)) {
		secret, key := secretKey(secrets[name])
		list = append(list, variableFrom(name, secret, key))
	}
	return append(list, map[string]any{"name": "PORT", "value": strconv.Itoa(w.Port)})
}

func variableFrom(name, secret, key string) map[string]any {
	return map[string]any{"name": name, "valueFrom": map[string]any{"secretKeyRef": map[string]any{"name": secret, "key": key}}}
}

// secretKey is the Secret and the key in it that a secret is the value of.
func secretKey(s targets.Secret) (secret, key string) {
	secret, key, ok := strings.Cut(s.From, "/")
	if !ok {
		key = s.Name
	}
	return secret, key
}

// appContainer is the server.
func (w *wanted) appContainer() map[string]any {
	c := w.container()
	c["ports"] = []any{map[string]any{"name": "http", "containerPort": w.Port, "protocol": "TCP"}}
	c["lifecycle"] = map[string]any{"preStop": map[string]any{"sleep": map[string]any{"seconds": int(drain / time.Second)}}}
	c["startupProbe"] = w.probe(1, int((w.Start+time.Second-1)/time.Second))
	c["readinessProbe"] = w.probe(5, 3)
	// Whatever the health path depends on, restarting the app does not mend it: only
	// an app that takes no connection is started again.
	c["livenessProbe"] = map[string]any{"tcpSocket": map[string]any{"port": "http"}, "periodSeconds": 10, "timeoutSeconds": 5, "failureThreshold": 3}
	return c
}

// probe asks the health path.
func (w *wanted) probe(period, failures int) map[string]any {
	p := map[string]any{"periodSeconds": period, "timeoutSeconds": 5, "failureThreshold": max(failures, 1)}
	if w.Health == "" {
		p["tcpSocket"] = map[string]any{"port": "http"}
	} else {
		p["httpGet"] = map[string]any{"path": w.Health, "port": "http"}
	}
	return p
}
