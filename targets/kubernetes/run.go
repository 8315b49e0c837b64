package kubernetes

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/twofoldhq/twofold/targets"
)

// run runs a command once in the image of a release, as a Job, and returns when it has
// ended. The Job goes with it.
func (t *Target) run(ctx context.Context, r targets.RunRequest) error {
	return t.with(fmt.Sprintf("run %q", r.Service), r.Events, func(s *session) error {
		if t.settings.registry == "" {
			return errNoRegistry
		}
		w, err := s.wanted(ctx, r.Deployment)
		if err != nil {
			return err
		}
		if err := push(ctx, w); err != nil {
			return err
		}
		for _, claim := range w.claims() {
			if _, err := s.apply(ctx, claim, false); err != nil {
				return err
			}
		}
		if err := s.lendSecret(ctx, w); err != nil {
			return err
		}
		return s.runJob(ctx, w.job(r.Command), r.Command, r.Out)
	})
}

// runJob makes a Job, carries over what it prints, and returns when it has ended.
func (s *session) runJob(ctx context.Context, job *unstructured.Unstructured, command []string, out io.Writer) error {
	if _, err := s.apply(ctx, job, false); err != nil {
		return err
	}
	defer func() {
		ending, cancel := lasting(ctx)
		defer cancel()
		_ = s.remove(ending, jobs, job.GetName()) // It has an end of its own as well.
	}()
	return s.watchJob(ctx, job.GetName(), command, out)
}

// lendSecret makes the Secret with the sensitive variables, which a deploy after it uses
// too.
func (s *session) lendSecret(ctx context.Context, w *wanted) error {
	if w.envSecret == "" {
		return nil
	}
	is, err := s.get(ctx, secrets, w.envSecret)
	if err != nil || is != nil {
		return err
	}
	o := w.envSecretObject()
	join([]*unstructured.Unstructured{o}, applySetID(w.name, s.namespace))
	_, err = s.apply(ctx, o, false)
	return err
}

// job runs a command in the place of the app.
func (w *wanted) job(command []string) *unstructured.Unstructured {
	template := w.podTemplate(roleRun)
	spec := template["spec"].(map[string]any)
	// The app's own may not be there before the first deploy.
	delete(spec, "serviceAccountName")
	c := w.container()
	c["command"] = command
	spec["containers"] = []any{c}
	return w.jobOf(template)
}

// watchJob carries over what a Job's pod prints, and returns when it has ended.
func (s *session) watchJob(ctx context.Context, job string, command []string, out io.Writer) error {
	if out == nil {
		out = io.Discard
	}
	w := &watcher{session: s, told: map[string]bool{}}
	printed, last := false, ""
	for {
		found, err := s.list(ctx, pods, query("batch.kubernetes.io/job-name", job))
		if err != nil {
			return err
		}
		for _, pod := range found {
			if err := w.warnings(ctx, pod.GetName()); err != nil {
				return err
			}
			for _, c := range fields(pod.Object, "status", "containerStatuses") {
				ended, _, _ := unstructured.NestedMap(c, "state", "terminated")
				running, _, _ := unstructured.NestedMap(c, "state", "running")
				if ended == nil && running == nil {
					var n *targets.NotHealthyError
					if failed := w.failed(ctx, pod.GetName(), c); errors.As(failed, &n) {
						return fmt.Errorf("%q does not start: %s", strings.Join(command, " "), n.Reason)
					}
					continue
				}
				if !printed {
					printed = true
					f := &follower{session: s}
					err := f.read(ctx, pod.GetName(), url.Values{"follow": {"true"}}, func(line stamped) error {
						last = strings.TrimSuffix(line.line, "\n")
						_, err := io.WriteString(out, line.line)
						return err
					})
					if err != nil {
						return fmt.Errorf("read what %q prints: %w", command[0], err)
					}
				}
				if ended == nil {
					continue
				}
				if code := number(ended, "exitCode"); code != 0 {
					return &targets.ExitError{Command: command, Code: int(code), Last: last}
				}
				return nil
			}
		}
		if err := pause(ctx, look); err != nil {
			return err
		}
	}
}
