package kubernetes

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
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
		job, err := set.execJob(s, r.Command)
		if err != nil {
			return err
		}
		return s.runJob(ctx, job, r.Command, r.Out)
	})
}

// execJob makes the Job of a command from the Deployment that serves.
func (set *applySet) execJob(s *session, command []string) (*unstructured.Unstructured, error) {
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
		c["command"] = command
		delete(c, "args")
		for _, server := range []string{"topologySpreadConstraints", "timeoutSeconds", "responseStartTimeoutSeconds", "containerConcurrency"} {
			delete(spec, server)
		}
		spec["containers"] = []any{c}
		metadata, _ := template["metadata"].(map[string]any)
		metadata["labels"] = labels(set.key, w.target, roleRun)
		return w.jobOf(template), nil
	}
	return nil, fmt.Errorf("the ConfigMap %q was changed by hand: deploy again", set.name)
}

// jobOf is a Job that runs a pod once.
func (w *wanted) jobOf(template map[string]any) *unstructured.Unstructured {
	const length = 6
	template["spec"].(map[string]any)["restartPolicy"] = "Never"
	// A Job whose maker is gone goes by itself.
	return object("batch/v1", "Job", w.name+"-run-"+strings.ToLower(rand.Text()[:length]), w, roleRun, map[string]any{"spec": map[string]any{
		"backoffLimit": 0, "ttlSecondsAfterFinished": 300, "template": template,
	}})
}
