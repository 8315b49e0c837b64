package kubernetes

import (
	"github.com/twofoldhq/twofold/targets"
	"github.com/twofoldhq/twofold/targets/gateway"
	"github.com/twofoldhq/twofold/targets/gateway/binaries"
)

// noteSchedule is the name of the schedule of a CronJob.
const noteSchedule = "dev.twofold.schedule"

// posterTemplate is the pod that posts to the app once.
func (w *wanted) posterTemplate(s targets.Schedule) map[string]any {
	timeout := w.Timeout
	if timeout == 0 {
		timeout = defaultTimeout
	}
	c := map[string]any{
		"name": "post", "image": w.poster, "terminationMessagePolicy": "FallbackToLogsOnError",
		"args":            []string{gateway.VerbPost, "http://" + w.name + s.Path, s.Name, timeout.String()},
		"securityContext": restricted(),
		"resources":       map[string]any{"requests": map[string]any{"cpu": "10m", "memory": "32Mi"}, "limits": map[string]any{"memory": "128Mi"}},
	}
	if w.settings.serverless {
		w.postToKnative(c, s, timeout)
	}
	spec := map[string]any{
		"restartPolicy": "Never", "serviceAccountName": w.name, "automountServiceAccountToken": false, "enableServiceLinks": false,
		"securityContext": map[string]any{"runAsNonRoot": true, "seccompProfile": map[string]any{"type": "RuntimeDefault"}},
		"affinity":        map[string]any{"nodeAffinity": nodesFor(binaries.Architectures())},
		"containers":      []any{c},
	}
	if w.settings.pullSecret != "" {
		spec["imagePullSecrets"] = []any{map[string]any{"name": w.settings.pullSecret}}
	}
	return map[string]any{
		"metadata": map[string]any{"labels": labels(w.Key, w.target, roleSchedule)},
		"spec":     spec,
	}
}
