package kubernetes

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"maps"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/twofoldhq/twofold/targets"
)

// exec runs a command once as a Job, with the pod template of what serves.
func (t *Target) exec(ctx context.Context, r targets.ExecRequest) error {
	return t.with(fmt.Sprintf("exec in %q", r.Service), r.Events, func(s *session) error {
		set, err := s.set(ctx, r.Key)
		if err != nil {
			return err
		}
		job, err := set.execJob(s, r)
		if err != nil {
			return err
		}
		return s.runJob(ctx, job, r)
	})
}

// execJob makes the Job of a command from the Deployment that serves.
func (set *applySet) execJob(s *session, r targets.ExecRequest) (*unstructured.Unstructured, error) {
	if len(set.releases) == 0 {
		return nil, errors.New("nothing of it serves: twofold status says why")
	}
	for _, o := range set.releases[0].objects() {
		if !isServer(o) {
			continue
		}
		w := &wanted{Deployment: targets.Deployment{Key: set.key}, name: set.name, namespace: s.namespace, target: s.target.info.Name}
		template, _, err := unstructured.NestedMap(o.Object, "spec", "template")
		if err != nil {
			return nil, err
		}
		containers := fields(template, "spec", "containers")
		if len(containers) == 0 {
			break
		}
		spec := template["spec"].(map[string]any)
		c := containers[0]
		for _, server := range []string{"ports", "lifecycle", "startupProbe", "readinessProbe", "livenessProbe"} {
			delete(c, server)
		}
		c["command"] = r.Command
		delete(c, "args")
		withStreams(c, r.Streams)
		for _, server := range []string{"topologySpreadConstraints", "timeoutSeconds", "responseStartTimeoutSeconds", "containerConcurrency"} {
			delete(spec, server)
		}
		spec["containers"] = []any{c}
		metadata, _ := template["metadata"].(map[string]any)
		metadata["labels"] = labels(set.key, w.target, roleRun)
		return w.passingJob(template), nil
	}
	return nil, fmt.Errorf("the ConfigMap %q was changed by hand: deploy again", set.name)
}

// withStreams makes a container have what the streams of its command need. Its input
// waits for who attaches, and ends when he goes.
func withStreams(c map[string]any, s targets.Streams) {
	if s.In != nil {
		c["stdin"], c["stdinOnce"] = true, true
	}
	if s.Terminal == nil {
		return
	}
	c["tty"] = true
	env, _ := c["env"].([]any)
	for _, one := range env {
		if variable, _ := one.(map[string]any); text(variable, "name") == "TERM" {
			return
		}
	}
	if s.Terminal.Type != "" {
		c["env"] = append(env, map[string]any{"name": "TERM", "value": s.Terminal.Type})
	}
}

// passingJob is a Job that we wait for. One whose maker is gone goes by itself when it
// has ended.
func (w *wanted) passingJob(template map[string]any) *unstructured.Unstructured {
	const length = 6
	return w.jobOf(w.name+"-run-"+strings.ToLower(rand.Text()[:length]), template, map[string]any{"ttlSecondsAfterFinished": 300})
}

// jobOf is a Job that runs a pod once.
func (w *wanted) jobOf(name string, template, rest map[string]any) *unstructured.Unstructured {
	template["spec"].(map[string]any)["restartPolicy"] = "Never"
	spec := map[string]any{"backoffLimit": 0, "template": template}
	maps.Copy(spec, rest)
	return object("batch/v1", "Job", name, w, roleRun, map[string]any{"spec": spec})
}
