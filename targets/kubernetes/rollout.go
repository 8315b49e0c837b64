package kubernetes

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"slices"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/twofoldhq/twofold/targets"
)

// look is how often a rollout is looked at.
const look = 300 * time.Millisecond

// errRollingOut is a rollout that has not ended.
var errRollingOut = errors.New("the rollout has not ended")

// rolledOut returns what runs the pods when all of its instances are those that are
// wanted, and ready, and errRollingOut before.
func (s *session) rolledOut(ctx context.Context, server *unstructured.Unstructured) (*unstructured.Unstructured, error) {
	o, err := s.get(ctx, resourceOf(groupKind(server)), server.GetName())
	if err != nil {
		return nil, err
	}
	if o == nil {
		return nil, fmt.Errorf("the %s %s was removed meanwhile", server.GetKind(), server.GetName())
	}
	if isKnative(o) {
		return o, knativeRolledOut(o)
	}
	wanted := number(o.Object, "spec", "replicas")
	status := func(field string) int64 { return number(o.Object, "status", field) }
	if status("observedGeneration") < o.GetGeneration() || status("updatedReplicas") < wanted ||
		status("availableReplicas") < wanted || status("replicas") > status("updatedReplicas") {
		return o, errRollingOut
	}
	return o, nil
}

// await waits until a rollout has ended, and tells what happens. It returns a
// *targets.NotHealthyError when an instance does not get ready. A cluster that is out of
// reach is asked again as long as the lock lasts, which ends the context.
func (s *session) await(ctx context.Context, server *unstructured.Unstructured, p patience) error {
	w := &watcher{session: s, told: map[string]bool{}, began: time.Now()}
	reached := true
	for {
		o, err := s.rolledOut(ctx, server)
		if err == nil {
			return nil
		}
		if errors.Is(err, errRollingOut) {
			err = w.look(ctx, o)
		}
		switch {
		case err == nil:
			reached = true
		case ctx.Err() != nil || !outOfReach(err):
			return err
		case reached:
			reached = false
			say(s.events, true, "the cluster is out of reach, trying again: %v", err)
		}
		if time.Since(w.began) > p.all {
			return &targets.NotHealthyError{Reason: fmt.Sprintf("the rollout has not ended after %s", p.all)}
		}
		if err := pause(ctx, look); err != nil {
			return err
		}
	}
}

// watcher looks at a rollout until it ends.
type watcher struct {
	*session
	told  map[string]bool
	began time.Time
	ready string
}

// look tells what has happened since it looked last, and returns an error when the
// rollout cannot end well.
func (w *watcher) look(ctx context.Context, server *unstructured.Unstructured) error {
	progress, currentPods := deploymentProgress, w.currentPods
	if isKnative(server) {
		progress, currentPods = knativeProgress, w.knativePods
	}
	if state := progress(server); state != w.ready {
		w.ready = state
		say(w.events, false, "%s", state)
	}
	current, err := currentPods(ctx, server)
	if err != nil {
		return err
	}
	for _, pod := range current {
		if err := w.warnings(ctx, pod.GetName()); err != nil {
			return err
		}
		for _, container := range fields(pod.Object, "status", "containerStatuses") {
			if failed := w.failed(ctx, pod.GetName(), container); failed != nil {
				return failed
			}
		}
	}
	if isKnative(server) {
		return knativeFailed(server)
	}
	return nil
}

func deploymentProgress(o *unstructured.Unstructured) string {
	wanted, updated := number(o.Object, "spec", "replicas"), number(o.Object, "status", "updatedReplicas")
	return fmt.Sprintf("%d of %d instances are new, %d are available", updated, wanted, number(o.Object, "status", "availableReplicas"))
}

// currentPods are those of the newest template.
func (s *session) currentPods(ctx context.Context, deployment *unstructured.Unstructured) ([]unstructured.Unstructured, error) {
	if number(deployment.Object, "status", "observedGeneration") < deployment.GetGeneration() {
		return nil, nil
	}
	sets, err := s.list(ctx, replicaSets, query(labelInstance, deployment.GetName(), labelRole, roleApp))
	if err != nil {
		return nil, err
	}
	const revision = "deployment.kubernetes.io/revision"
	hash := ""
	for _, one := range sets {
		if one.GetAnnotations()[revision] == deployment.GetAnnotations()[revision] {
			hash = one.GetLabels()["pod-template-hash"]
		}
	}
	if hash == "" {
		return nil, nil
	}
	found, err := s.list(ctx, pods, query(labelInstance, deployment.GetName(), "pod-template-hash", hash))
	sortByName(found)
	return slices.DeleteFunc(found, func(p unstructured.Unstructured) bool { return p.GetDeletionTimestamp() != nil }), err
}

// failed reports a container that will not get ready without help.
func (w *watcher) failed(ctx context.Context, pod string, container map[string]any) error {
	switch reason := text(container, "state", "waiting", "reason"); reason {
	case "ErrImagePull", "ImagePullBackOff", "InvalidImageName", "CreateContainerConfigError", "CreateContainerError", "RunContainerError":
		return &targets.NotHealthyError{Reason: fmt.Sprintf("pod %s: %s: %s", pod, reason, text(container, "state", "waiting", "message"))}
	}
	ended, _, _ := unstructured.NestedMap(container, "lastState", "terminated")
	if ended == nil {
		ended, _, _ = unstructured.NestedMap(container, "state", "terminated")
	}
	if ended == nil {
		return nil
	}
	n := &targets.NotHealthyError{Output: w.lastLines(ctx, pod, number(container, "restartCount") > 0)}
	switch code, reason := number(ended, "exitCode"), text(ended, "reason"); {
	case reason == "OOMKilled":
		n.Reason = "it used more memory than it may"
	case w.told["startup "+pod] && (code == 0 || code == 137 || code == 143): // as the kubelet ends it
		n.Reason = "it did not answer its health path in time"
	default:
		n.Reason = fmt.Sprintf("it exited with status %d", code)
	}
	return n
}

// lastLines are the end of what a pod has printed.
func (s *session) lastLines(ctx context.Context, pod string, previous bool) string {
	q := url.Values{"tailLines": {"20"}}
	if previous {
		q.Set("previous", "true")
	}
	answer, err := s.log(ctx, pod, "app", q)
	if err != nil {
		return ""
	}
	defer answer.Body.Close()
	const most = 16 << 10
	content, err := io.ReadAll(io.LimitReader(answer.Body, most))
	if err != nil {
		return ""
	}
	return strings.TrimRight(string(content), "\n")
}

// warnings tells what the cluster warns of about a pod, each once.
func (w *watcher) warnings(ctx context.Context, pod string) error {
	found, err := w.of(events).List(ctx, listFor(pod))
	if err != nil {
		return w.explain(fmt.Errorf("list the events of pod %s: %w", pod, err))
	}
	for _, e := range found.Items {
		reason, message := text(e.Object, "reason"), strings.TrimSpace(text(e.Object, "message"))
		if reason == "Unhealthy" && strings.Contains(message, "Startup probe") {
			w.told["startup "+pod] = true
			continue // It starts: that is no warning yet.
		}
		if text(e.Object, "type") == "Warning" && !w.told[pod+reason] {
			w.told[pod+reason] = true
			say(w.events, true, "pod %s: %s: %s", pod, reason, message)
		}
	}
	return nil
}
