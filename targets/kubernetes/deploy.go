package kubernetes

import (
	"context"
	"errors"
	"fmt"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/twofoldhq/twofold/release"
	"github.com/twofoldhq/twofold/targets"
	"github.com/twofoldhq/twofold/targets/names"
)

var errNoRegistry = errors.New(`the cluster has nowhere to pull the image from: write registry = "HOST/PATH" in the target block`)

// Deploy implements targets.Target. What ran before runs on until every instance of the
// new release is ready, and is put back when one does not get so.
func (t *Target) Deploy(ctx context.Context, d targets.Deployment) (status targets.Status, err error) {
	err = t.with(fmt.Sprintf("deploy %q", d.Service), d.Events, func(s *session) error {
		if s.target.settings.registry == "" {
			return errNoRegistry
		}
		if len(d.Triggers) > 0 {
			return noTrigger(d.Triggers[0])
		}
		changed := false
		err := s.locked(ctx, d.Key, func(ctx context.Context, l *lock) (err error) {
			changed, err = s.deploy(ctx, l, d)
			return err
		})
		if err != nil {
			return err
		}
		return s.statusAfter(ctx, d.Key, changed, &status)
	})
	return status, err
}

// statusAfter reads the status of what an operation has changed.
func (s *session) statusAfter(ctx context.Context, k targets.Key, changed bool, into *targets.Status) error {
	list, err := s.status(ctx, targets.Filter(k))
	if err != nil {
		return err
	}
	if len(list) != 1 {
		return errors.New("it was destroyed meanwhile")
	}
	*into = list[0]
	into.Changed = changed
	return nil
}

func (s *session) deploy(ctx context.Context, l *lock, d targets.Deployment) (changed bool, err error) {
	w, err := s.wanted(ctx, d)
	if err != nil {
		return false, err
	}
	if err := s.fires(ctx, w, true); err != nil {
		return false, err
	}
	set, err := s.set(ctx, d.Key)
	if err != nil {
		return false, err
	}
	objects := append(w.claims(), w.objects()...)
	differences, err := s.differences(ctx, set, objects)
	if err != nil {
		return false, err
	}
	if len(differences) == 0 && set.settled() {
		if _, err := s.rolledOut(ctx, serverOf(objects)); err == nil {
			return false, nil
		}
	}
	if err := push(ctx, w); err != nil {
		return false, err
	}
	return true, s.converge(ctx, l, set, newRevision(w.release, objects), set.releases, objects, w.patience())
}

// push hands the release to the registry. The digest in the name of the image is that
// of the release, so that it is known before.
func push(ctx context.Context, w *wanted) error {
	say(w.Events, false, "handing the release to %s", w.settings.registry)
	pushed, err := release.Push(ctx, w.Release, repository(w.settings, w.Key)+":"+w.release[len("sha256:"):][:12])
	if err == nil && pushed != w.image {
		err = fmt.Errorf("the registry has the release as %s instead of %s", pushed, w.image)
	}
	return err
}

func noTrigger(t targets.Trigger) error {
	return fmt.Errorf("on %q %q: a cluster has no source for it: give it another target", t.Kind, t.Name)
}

// fires names the image that fires the schedules, if there are any.
func (s *session) fires(ctx context.Context, w *wanted, push bool) (err error) {
	if len(w.Schedules) > 0 {
		w.poster, err = s.target.posterImage(ctx, push)
	}
	return err
}

func repository(s settings, k targets.Key) string { return s.registry + "/" + names.Deployment(k) }

// converge makes the cluster have these objects and no others of the deployment, and
// waits until they run: then the revision serves, and those in earlier are the way back.
// If they do not, it puts back what the set says ran before.
func (s *session) converge(ctx context.Context, l *lock, set *applySet, next revision, earlier []revision, objects []*unstructured.Unstructured, p patience) error {
	if err := s.prepare(ctx, set, objects); err != nil {
		return err
	}
	err := s.applyAll(ctx, set, objects)
	if err == nil {
		err = s.await(ctx, serverOf(objects), p)
	}
	if err != nil {
		return s.goBack(ctx, l, set, err)
	}
	// What goes is forgotten before it is removed: nothing would go back to it.
	set.record(next, earlier)
	if err := s.save(ctx, set, set.kinds); err != nil {
		return err
	}
	if err := s.prune(ctx, set, objects); err != nil {
		return err
	}
	kinds := kindsOf(objects, set.keptKinds())
	if kinds == set.kinds {
		return nil
	}
	return s.save(ctx, set, kinds)
}

func (s *session) applyAll(ctx context.Context, set *applySet, objects []*unstructured.Unstructured) error {
	join(objects, set.id)
	for _, o := range objects {
		if err := s.leaveReplicas(ctx, o); err != nil {
			return err
		}
		if _, err := s.apply(ctx, o, false); err != nil {
			return err
		}
	}
	return nil
}

// goBack puts back what ran before a deploy that failed, whose error it returns. A first
// deploy that fails leaves nothing. Without the lock, all stays as it is.
func (s *session) goBack(ctx context.Context, l *lock, set *applySet, failed error) error {
	if l.isLost() {
		return failed
	}
	ending, cancel := lasting(ctx)
	defer cancel()
	ending, end := l.within(ending)
	defer end()
	if len(set.releases) == 0 {
		if _, err := s.removeAll(ending, set); err != nil {
			return errors.Join(failed, fmt.Errorf("remove what was made of it: %w", err))
		}
		return failed
	}
	say(s.events, false, "putting back the release before")
	objects := set.releases[0].objects()
	err := s.applyAll(ending, set, objects)
	if err == nil {
		err = s.prune(ending, set, objects)
	}
	if err == nil {
		set.underWay = false
		err = s.save(ending, set, set.kinds)
	}
	if err != nil {
		return errors.Join(failed, fmt.Errorf("put back the release before, which the next deploy does: %w", err))
	}
	return failed
}

// prune removes what belongs to the deployment and is not wanted any more.
func (s *session) prune(ctx context.Context, set *applySet, wanted []*unstructured.Unstructured) error {
	strangers, err := s.strangers(ctx, set.id, set.kinds, append(set.kept(), wanted...))
	if err != nil {
		return err
	}
	for _, m := range strangers {
		if err := s.remove(ctx, m.resource, m.name); err != nil {
			return err
		}
	}
	return nil
}
