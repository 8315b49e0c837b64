package docker

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/moby/moby/api/types/container"

	"github.com/twofoldhq/twofold/release"
	"github.com/twofoldhq/twofold/targets"
	"github.com/twofoldhq/twofold/targets/docker/gateway"
)

// Status implements targets.Target.
func (t *Target) Status(ctx context.Context, f targets.Filter) (all []targets.Status, err error) {
	err = t.with(ctx, "status", func(s *session) error {
		fronts, err := s.list(ctx, f, roleGateway)
		if err != nil {
			return err
		}
		for _, front := range fronts {
			status, ok, err := s.status(ctx, keyOf(front.Labels))
			if err != nil {
				return err
			}
			if ok {
				all = append(all, status)
			}
		}
		return nil
	})
	slices.SortFunc(all, func(a, b targets.Status) int {
		return strings.Compare(fmt.Sprint(a.Key), fmt.Sprint(b.Key))
	})
	return all, err
}

// status returns what is known of one deployment; ok is whether there is one.
func (s *session) status(ctx context.Context, k targets.Key) (st targets.Status, ok bool, err error) {
	name := deploymentName(k)
	front, err := s.inspect(ctx, name)
	if err != nil || front == nil || keyOf(front.Config.Labels) != k {
		return st, false, err
	}
	st = targets.Status{
		Key: k, Target: s.target.address(), Form: release.Image, Runner: s.Describe(), State: targets.Running,
		URL: s.url(publishedPort(front.HostConfig)),
	}
	all, err := s.revisions(ctx, k)
	if err != nil {
		return st, false, err
	}
	if !front.State.Running {
		st.State = targets.Stopped
		st.Detail = fmt.Sprintf("its gateway does not run (%s): twofold deploy %s starts it again", front.State.Status, k.Service)
		for _, r := range all {
			if r.running() > 0 {
				st.Release = r.release
			}
		}
		return st, true, nil
	}
	live, _, err := s.live(ctx, name)
	if err != nil {
		return st, false, err
	}
	if live.Revision == "" {
		return st, false, nil // a first deploy that is under way
	}
	s.describe(&st, live, all)
	s.domainStatus(ctx, &st, live)
	return st, true, nil
}

// describe says how the revision does that the gateway serves.
func (s *session) describe(st *targets.Status, live gateway.RouteStatus, all map[string]*revision) {
	st.Schedules = live.Fired
	st.Instances = len(live.Ready)
	st.Earlier = earlier(live, all)
	attributes := readNote(live.Note).Attributes
	st.Release = attributes["release"]
	for attribute := range attributes {
		if volume, ok := strings.CutSuffix(strings.TrimPrefix(attribute, "volume."), ".path"); ok && strings.HasPrefix(attribute, "volume.") {
			st.Volumes = append(st.Volumes, targets.VolumeStatus{Name: volume, Place: volumeName(deploymentName(st.Key), volume), Kept: true})
		}
	}
	slices.SortFunc(st.Volumes, func(a, b targets.VolumeStatus) int { return strings.Compare(a.Name, b.Name) })
	r := all[live.Revision]
	if r == nil {
		st.State = targets.Failing
		st.Detail = fmt.Sprintf("its containers were removed: twofold deploy %s makes them again", st.Service)
		return
	}
	for _, c := range r.containers {
		if at := created(c); at.After(st.Deployed) {
			st.Deployed = at
		}
	}
	if len(live.Ready) == len(live.Backends) {
		st.Detail = queueTrouble(live)
		return
	}
	if len(live.Ready) == 0 {
		st.State = targets.Failing
	}
	for _, c := range r.containers {
		if c.State != container.StateRunning {
			st.Detail = fmt.Sprintf("container %s is %s: twofold logs %s says why, and twofold deploy %s makes it again", nameOf(c), strings.ToLower(c.Status), st.Service, st.Service)
			return
		}
	}
	st.Detail = fmt.Sprintf("%d of %d containers answer %s", len(live.Ready), len(live.Backends), orConnection(live.Health))
}

// earlier are the releases that rollback can go back to, the newest first.
func earlier(live gateway.RouteStatus, all map[string]*revision) []targets.Earlier {
	var list []targets.Earlier
	for _, name := range slices.Backward(live.Before) {
		if r := all[name]; r != nil {
			list = append(list, targets.Earlier{Release: r.release, Name: "revision " + name, Deployed: created(r.containers[0])})
		}
	}
	return list
}
