package docker

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/containerd/errdefs"
	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/client"

	"github.com/twofoldhq/twofold/targets"
	"github.com/twofoldhq/twofold/targets/gateway"
)

// Deploy implements targets.Target. New containers start beside those that serve;
// the gateway sends requests to them when all answer their health path, and those
// before are stopped when their last request is answered. A deploy that is killed
// leaves the gateway's route where it was or where it should be.
func (t *Target) Deploy(ctx context.Context, d targets.Deployment) (status targets.Status, err error) {
	values, err := t.values(ctx, d)
	if err != nil {
		return status, fmt.Errorf("%s: deploy %q: %w", t.address(), d.Service, err)
	}
	err = t.with(ctx, fmt.Sprintf("deploy %q", d.Service), func(ctx context.Context, s *session) error {
		w, err := s.want(d, values)
		if err != nil {
			return err
		}
		changed, err := s.deploy(ctx, w)
		if err != nil {
			return err
		}
		var ok bool
		status, ok, err = s.status(ctx, d.Key)
		if err == nil && !ok {
			err = errors.New("it was destroyed meanwhile")
		}
		status.Changed = changed
		return err
	})
	return status, err
}

// values looks up the secrets on the machine that deploys.
func (t *Target) values(ctx context.Context, d targets.Deployment) (secretValues, error) {
	values, warnings, err := t.lookUp(ctx, d)
	for _, w := range warnings {
		say(d, true, "%s", w)
	}
	return values, err
}

func (t *Target) secrets(ctx context.Context, d targets.Deployment) error {
	if _, _, err := t.lookUp(ctx, d); err != nil {
		return fmt.Errorf("%s: %w", t.address(), err)
	}
	return nil
}

func (s *session) deploy(ctx context.Context, w *wanted) (changed bool, err error) {
	if err := s.checkDomain(ctx, w); err != nil {
		return false, err
	}
	if err := s.ensureNetworks(ctx, w); err != nil {
		return false, err
	}
	const most = 5
	for attempt := 1; ; attempt++ {
		changed, err = s.converge(ctx, w)
		if !errors.Is(err, errMoved) || attempt == most || ctx.Err() != nil {
			return changed, err
		}
	}
}

// converge makes what is wanted serve. errMoved is another deploy that was in the
// way before this one had the lock.
func (s *session) converge(ctx context.Context, w *wanted) (changed bool, err error) {
	f, err := s.ensureFront(ctx, w)
	if err != nil {
		return false, err
	}
	held, release, err := s.hold(ctx, f.name, routeName, func() {
		say(w.Deployment, false, "waiting for another deploy of it")
	})
	if err != nil {
		if found, _ := s.inspect(ctx, f.name); found == nil {
			err = errMoved // it was a first one, and failed
		}
		return false, err
	}
	defer release()
	c := &convergence{session: s, wanted: w, front: f}
	changed, err = c.run(held)
	err = instead(held, err)
	if err != nil && !f.existing {
		ending, cancel := s.lasting(ctx)
		defer cancel()
		c.forget(ending)
	}
	return changed || f.started, err
}

// convergence is one deploy while it holds the lock.
type convergence struct {
	*session
	wanted *wanted
	front  *front
	live   gateway.RouteStatus // what the gateway serves; no Revision is nothing
	all    map[string]*revision
}

func (c *convergence) run(ctx context.Context) (changed bool, err error) {
	reply, err := c.command(ctx, c.front.name, gateway.Request{Op: gateway.OpStatus}, nil)
	if err != nil {
		return false, err
	}
	c.live = reply.Routes[routeName]
	if c.all, err = c.revisions(ctx, c.wanted.Key); err != nil {
		return false, err
	}
	differs, err := c.differs(ctx)
	if err != nil {
		return false, err
	}
	if differs {
		if err := c.release(ctx); err != nil {
			if full(err) {
				c.makeRoom(ctx, c.wanted)
			}
			return false, err
		}
	}
	moved, err := c.domain(ctx, c.wanted, c.front)
	if err != nil {
		return differs, err
	}
	return differs || moved, c.sweep(ctx)
}

// differs reports whether something else serves than what is wanted.
func (c *convergence) differs(ctx context.Context) (bool, error) {
	changes, err := c.changes(ctx, c.wanted, c.live, c.all)
	return len(changes) > 0, err
}

// release makes the wanted revision serve.
func (c *convergence) release(ctx context.Context) error {
	w, s := c.wanted, c.session
	if err := s.ensureImage(ctx, w); full(err) {
		return fmt.Errorf("the image, %s packed and more unpacked: %w", targets.SizeText(w.form.Size), err)
	} else if err != nil {
		return err
	}
	if err := s.ensureVolumes(ctx, w); err != nil {
		return err
	}
	name := strings.ToLower(rand.Text()[:8])
	route := w.routeTo(name)
	if c.live.Revision != "" {
		route.Before = append(slices.Clone(c.live.Before), c.live.Revision)
	}
	if err := s.startReplicas(ctx, w, name); err != nil {
		c.discard(ctx, name)
		return err
	}
	say(w.Deployment, false, "waiting for %s", orConnection(w.Health))
	if err := c.set(ctx, route, name); err != nil {
		return err
	}
	return c.retire(ctx, c.live.Revision)
}

func orConnection(health string) string {
	if health == "" {
		return "the app to listen"
	}
	return health
}

// startReplicas makes the containers of a revision, and starts them.
func (s *session) startReplicas(ctx context.Context, w *wanted, name string) error {
	if err := s.writeSecrets(ctx, w, name, roleSecrets); err != nil {
		return err
	}
	say(w.Deployment, false, "starting the containers")
	for n := range w.replicas {
		o, err := w.app(s.target, name, n+1)
		if err != nil {
			return err
		}
		if err := s.launched(ctx, w, name, &o); err != nil {
			return err
		}
		if err := s.createContainer(ctx, o, w.networkID); err != nil {
			return err
		}
	}
	for n := range w.replicas {
		if _, err := s.ContainerStart(ctx, w.appName(name, n+1), client.ContainerStartOptions{}); err != nil {
			return fmt.Errorf("start container %s: %w", w.appName(name, n+1), err)
		}
	}
	return nil
}

// set makes the gateway serve a route. When its containers do not get ready, they
// are removed again, and the error shows what the app printed.
func (c *convergence) set(ctx context.Context, route gateway.Route, name string) error {
	serves, err := c.moved(ctx, route, func() {
		say(c.wanted.Deployment, false, "waiting for the requests in flight")
	})
	if serves || err == nil {
		return err
	}
	ending, cancel := c.lasting(ctx)
	defer cancel()
	err = c.explained(ending, err, c.wanted.appName(name, 1))
	c.discard(ending, name)
	return err
}

// moved tells the gateway to serve a route. With an error, serves is whether it does
// so all the same, or may do so: what the route needs is to be left alone then.
func (c *convergence) moved(ctx context.Context, route gateway.Route, switched func()) (serves bool, err error) {
	_, err = c.commandUntilDeath(ctx, route.Revision, gateway.Request{Op: gateway.OpSet, Name: routeName, Route: &route, Passwords: c.wanted.values.queues}, func(r gateway.Reply) {
		if r.Event == gateway.EventSwitched {
			serves = true
			switched()
		}
	})
	var unanswered *unansweredError
	if err == nil || serves || !errors.As(err, &unanswered) {
		return serves, err
	}
	// The connection ended, or an app: the gateway may have been faster.
	ending, cancel := c.lasting(ctx)
	defer cancel()
	unclear := c.over(ending, unanswered)
	if unclear == nil {
		var reply gateway.Reply
		reply, unclear = c.command(ending, c.front.name, gateway.Request{Op: gateway.OpStatus}, nil)
		serves = reply.Routes[routeName].Revision == route.Revision
	}
	return serves || unclear != nil, err
}

// explained is an error of moved, with what the app printed if it is the app's.
func (c *convergence) explained(ctx context.Context, err error, app string) error {
	var dead *deadError
	var refused *refusedError
	switch {
	case errors.As(err, &dead):
		return &targets.NotHealthyError{Reason: dead.reason, Output: c.tail(ctx, app)}
	case errors.As(err, &refused) && !refused.reply.Own:
		return &targets.NotHealthyError{Reason: refused.Error(), Output: c.tail(ctx, app)}
	}
	return err
}

// deadError is an app that ended before it was ready.
type deadError struct {
	reason string
	err    error // of the command to the gateway
}

func (e *deadError) Error() string { return e.reason }
func (e *deadError) Unwrap() error { return e.err }

// commandUntilDeath is command, which ends early when the first container of the
// revision ends: nobody need wait for an app that is dead.
func (c *convergence) commandUntilDeath(ctx context.Context, name string, req gateway.Request, each func(gateway.Reply)) (gateway.Reply, error) {
	waiting, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	watching, stop := context.WithCancel(waiting)
	defer stop()
	for n := range c.wanted.replicas {
		app := c.wanted.appName(name, n+1)
		wait := c.ContainerWait(watching, app, client.ContainerWaitOptions{Condition: container.WaitConditionNextExit})
		go func() {
			select {
			case r := <-wait.Result:
				cancel(&deadError{reason: exitText(r.StatusCode)})
			case <-wait.Error:
			case <-watching.Done():
			}
		}()
		// It may have ended before anybody watched.
		if found, err := c.inspect(ctx, app); err == nil && found != nil && (found.RestartCount > 0 || !found.State.Running) {
			cancel(&deadError{reason: exitText(int64(found.State.ExitCode))})
		}
	}
	reply, err := c.command(waiting, c.front.name, req, func(r gateway.Reply) {
		if r.Event == gateway.EventSwitched {
			stop()
		}
		each(r)
	})
	var dead *deadError
	if err != nil && errors.As(context.Cause(waiting), &dead) {
		err = &deadError{dead.reason, err}
	}
	return reply, err
}

func exitText(status int64) string {
	const signalled = 128
	if status > signalled {
		return fmt.Sprintf("it was ended by signal %d", status-signalled)
	}
	return fmt.Sprintf("it exited with status %d", status)
}

// retire stops the containers of a revision, and keeps them to go back to.
func (c *convergence) retire(ctx context.Context, name string) error {
	if r := c.all[name]; r != nil {
		return c.stopAll(ctx, r.names())
	}
	return nil
}

// discard removes what was made of a revision that does not serve.
func (s *session) discard(ctx context.Context, name string) {
	ctx, cancel := s.lasting(ctx)
	defer cancel()
	list, err := s.ContainerList(ctx, client.ContainerListOptions{All: true, Filters: client.Filters{}.Add("label", labelRevision+"="+name)})
	if err == nil {
		for _, one := range list.Items {
			s.removeContainer(ctx, one.ID)
		}
	}
	s.VolumeRemove(ctx, secretsVolume(name), client.VolumeRemoveOptions{Force: true})
}

// sweep removes the revisions that neither serve nor are kept to go back to, and
// what only they needed.
func (c *convergence) sweep(ctx context.Context) error {
	reply, err := c.command(ctx, c.front.name, gateway.Request{Op: gateway.OpStatus}, nil)
	if err != nil {
		return err
	}
	live := reply.Routes[routeName]
	all, err := c.revisions(ctx, c.wanted.Key)
	if err != nil {
		return err
	}
	kept := map[string]bool{live.Revision: true}
	for _, name := range slices.Backward(live.Before) {
		// Nobody goes back to one whose containers somebody has removed.
		if all[name] != nil && len(kept) <= c.target.settings.keep {
			kept[name] = true
		}
	}
	images := map[string]bool{}
	for name, r := range all {
		if kept[name] {
			for _, one := range r.containers {
				images[one.Image] = true
			}
			if name != live.Revision && r.running() > 0 {
				if err := c.stopAll(ctx, r.names()); err != nil {
					return err
				}
			}
			continue
		}
		if err := c.stopAll(ctx, r.names()); err != nil {
			return err
		}
		if err := c.removeAll(ctx, r.names()); err != nil {
			return err
		}
	}
	if err := c.sweepSecrets(ctx, kept); err != nil {
		return err
	}
	return c.sweepImages(ctx, c.wanted.name, images)
}

// sweepSecrets removes the values of revisions that are not kept, also of those that
// an interrupted deploy made no containers of.
func (c *convergence) sweepSecrets(ctx context.Context, kept map[string]bool) error {
	filter := targets.Filter(c.wanted.Key)
	helpers, err := c.list(ctx, filter, roleHelper)
	if err != nil {
		return err
	}
	for _, h := range helpers {
		name := h.Labels[labelRevision]
		if nameOf(h) != secretsVolume(name)+fillSuffix {
			continue // of a volume, which the deploy that needs it fills
		}
		if err := c.unfill(ctx, secretsVolume(name)); err != nil {
			return err
		}
	}
	volumes, err := c.VolumeList(ctx, client.VolumeListOptions{Filters: c.target.filters(filter, roleSecrets)})
	if err != nil {
		return fmt.Errorf("list volumes: %w", err)
	}
	for _, v := range volumes.Items {
		if !kept[v.Labels[labelRevision]] {
			if err := c.removeVolume(ctx, v.Name); err != nil {
				return err
			}
		}
	}
	return nil
}

// forget removes the gateway of a first deploy that failed.
func (c *convergence) forget(ctx context.Context) {
	if reply, err := c.command(ctx, c.front.name, gateway.Request{Op: gateway.OpStatus}, nil); err != nil || reply.Routes[routeName].Revision != "" {
		return
	}
	if _, err := c.destroy(ctx, c.wanted.Key); err != nil {
		say(c.wanted.Deployment, true, "what the deploy had made is still there (%v): twofold destroy removes it", err)
	}
}

func (s *session) removeVolume(ctx context.Context, name string) error {
	if _, err := s.VolumeRemove(ctx, name, client.VolumeRemoveOptions{}); err != nil && !errdefs.IsNotFound(err) {
		return fmt.Errorf("remove volume %s: %w", name, err)
	}
	return nil
}
