package kubernetes

import (
	"context"
	"fmt"

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
		return s.runJob(ctx, w.passingJob(w.commandTemplate(r.Command)), targets.ExecRequest{Key: r.Key, Command: r.Command, Streams: targets.Streams{Out: r.Out, Err: r.Out}})
	})
}

// runJob makes a Job, carries over what its command reads and prints, and returns when
// it has ended.
func (s *session) runJob(ctx context.Context, job *unstructured.Unstructured, r targets.ExecRequest) error {
	if _, err := s.apply(ctx, job, false); err != nil {
		return err
	}
	defer func() {
		ending, cancel := lasting(ctx)
		defer cancel()
		_ = s.remove(ending, jobs, job.GetName()) // It has an end of its own as well.
	}()
	c := &carrier{watcher: &watcher{session: s, told: map[string]bool{}}, request: r, printed: targets.NewPrinted(r.Streams)}
	return c.watch(ctx, job.GetName())
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

// commandTemplate is a pod that runs a command in the place of the app.
func (w *wanted) commandTemplate(command []string) map[string]any {
	template := w.podTemplate(roleRun)
	spec := template["spec"].(map[string]any)
	// The app's own may not be there before the first deploy.
	delete(spec, "serviceAccountName")
	c := w.container()
	c["command"] = command
	spec["containers"] = []any{c}
	return template
}
