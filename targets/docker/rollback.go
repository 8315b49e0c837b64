package docker

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/moby/moby/client"

	"github.com/twofoldhq/twofold/targets"
	"github.com/twofoldhq/twofold/targets/gateway"
)

// rollback starts the containers of an earlier revision again, which were kept, and
// sends the requests to them when they answer their health path.
func (t *Target) rollback(ctx context.Context, req targets.RollbackRequest) (status targets.Status, err error) {
	err = t.with(ctx, fmt.Sprintf("rollback %q", req.Service), func(ctx context.Context, s *session) error {
		changed, err := s.rollback(ctx, req)
		if err != nil {
			return err
		}
		var ok bool
		status, ok, err = s.status(ctx, req.Key)
		if err == nil && !ok {
			err = errors.New("it was destroyed meanwhile")
		}
		status.Changed = changed
		return err
	})
	return status, err
}

func (s *session) rollback(ctx context.Context, req targets.RollbackRequest) (changed bool, err error) {
	name := deploymentName(req.Key)
	found, err := s.inspect(ctx, name)
	if err != nil {
		return false, err
	}
	if found == nil {
		return false, errors.New("it is not deployed")
	}
	d := targets.Deployment{Key: req.Key, Events: req.Events}
	held, release, err := s.hold(ctx, name, routeName, func() { say(d, false, "waiting for another deploy of it") })
	if err != nil {
		return false, err
	}
	defer release()
	changed, err = s.goBack(held, req, d, name)
	return changed, instead(held, err)
}

// goBack is a rollback while it holds the lock.
func (s *session) goBack(ctx context.Context, req targets.RollbackRequest, d targets.Deployment, name string) (changed bool, err error) {
	live, _, err := s.live(ctx, name)
	if err != nil {
		return false, err
	}
	all, err := s.revisions(ctx, req.Key)
	if err != nil {
		return false, err
	}
	if r := all[live.Revision]; r != nil && req.Release != "" && strings.HasPrefix(r.release, req.Release) {
		return false, nil
	}
	to, before := earlierOf(live.Before, all, req.Release)
	if to == nil {
		if req.Release == "" {
			return false, errors.New("no release ran before this one")
		}
		return false, fmt.Errorf("no release that begins with %s ran before and is still there; twofold status lists the ones to go back to", req.Release)
	}
	route, err := routeOf(to.containers[0].Labels)
	if err != nil {
		return false, fmt.Errorf("read how revision %s was reached: %w", to.name, err)
	}
	route.Before = before
	w := &wanted{Deployment: d, name: name, replicas: len(to.containers)}
	c := &convergence{session: s, wanted: w, front: &front{name: name}, live: live, all: all}
	return true, c.restart(ctx, to, route)
}

// earlierOf finds the newest earlier revision of a release, or of any, and what served
// before it.
func earlierOf(served []string, all map[string]*revision, digest string) (to *revision, before []string) {
	for n, name := range slices.Backward(served) {
		if r := all[name]; r != nil && strings.HasPrefix(r.release, digest) {
			return r, served[:n]
		}
	}
	return nil, nil
}

// restart makes an earlier revision serve.
func (c *convergence) restart(ctx context.Context, to *revision, route gateway.Route) error {
	say(c.wanted.Deployment, false, "starting the containers of revision %s", to.name)
	for _, name := range to.names() {
		if _, err := c.ContainerStart(ctx, name, client.ContainerStartOptions{}); err != nil {
			ending, cancel := c.lasting(ctx)
			defer cancel()
			return errors.Join(fmt.Errorf("start container %s: %w", name, err), c.stopAll(ending, to.names()))
		}
	}
	say(c.wanted.Deployment, false, "waiting for %s", orConnection(route.Health))
	serves, err := c.moved(ctx, route, func() {})
	if !serves && err != nil {
		ending, cancel := c.lasting(ctx)
		defer cancel()
		err = c.explained(ending, err, to.names()[0])
		return errors.Join(err, c.stopAll(ending, to.names()))
	}
	if err != nil {
		return err
	}
	return c.retire(ctx, c.live.Revision)
}
