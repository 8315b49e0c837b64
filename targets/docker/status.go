package docker

import (
	"context"
	"fmt"
	"net"
	"slices"
	"strings"
	"time"

	"github.com/twofoldhq/twofold/release"
	"github.com/twofoldhq/twofold/targets"
	"github.com/twofoldhq/twofold/targets/docker/gateway"
)

// Status implements targets.Target.
func (t *Target) Status(ctx context.Context, f targets.Filter) (all []targets.Status, err error) {
	err = t.with(ctx, "status", func(ctx context.Context, s *session) error {
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
	if err := s.describe(ctx, &st, live, all); err != nil {
		return st, false, err
	}
	s.domainStatus(ctx, &st, live)
	return st, true, nil
}

// describe says how the revision does that the gateway serves.
func (s *session) describe(ctx context.Context, st *targets.Status, live gateway.RouteStatus, all map[string]*revision) (err error) {
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
		return nil
	}
	for _, c := range r.containers {
		if at := created(c); at.After(st.Deployed) {
			st.Deployed = at
		}
	}
	if len(live.Ready) == 0 {
		st.State = targets.Failing
	}
	if st.Detail, err = s.trouble(ctx, st.Service, r); err != nil || st.Detail != "" {
		return err
	}
	for _, address := range live.Backends {
		if !slices.Contains(live.Ready, address) {
			name, _, _ := net.SplitHostPort(address)
			fails := "takes no connection"
			if live.Health != "" {
				fails = "does not answer " + live.Health
			}
			st.Detail = fmt.Sprintf("container %s runs, and %s: twofold logs %s shows its last lines, and docker restart %s starts it again", name, fails, st.Service, name)
		}
	}
	return nil
}

// recent is for how long the status tells that a container has ended and started
// again.
const recent = time.Hour

// trouble says how the container does that does worst; "" is that all run, and have
// run for a while.
func (s *session) trouble(ctx context.Context, service string, r *revision) (text string, err error) {
	for _, one := range r.containers {
		c, err := s.inspect(ctx, one.ID)
		if err != nil {
			return "", err
		}
		if c == nil || c.State == nil {
			continue
		}
		reason := exitText(int64(c.State.ExitCode))
		if c.State.OOMKilled {
			reason = "it used more than its memory of " + targets.MemoryText(c.HostConfig.Memory)
		}
		switch {
		case c.State.Restarting:
			return fmt.Sprintf("container %s ends again and again, %d times by now: %s; twofold logs %s shows its last lines", nameOf(one), c.RestartCount, reason, service), nil
		case c.State.Paused:
			return fmt.Sprintf("container %s is paused: docker unpause %s lets it go on", nameOf(one), nameOf(one)), nil
		case !c.State.Running:
			if c.State.Error != "" {
				reason = c.State.Error
			}
			text = fmt.Sprintf("container %s does not run (%s): twofold logs %s shows its last lines, and twofold deploy %s makes it again", nameOf(one), reason, service, service)
		case text == "" && c.RestartCount > 0 && time.Since(parseTime(c.State.StartedAt)) < recent:
			why := ""
			if c.State.OOMKilled {
				why = ", since " + reason
			}
			text = fmt.Sprintf("container %s ended and was started again, %d times by now%s: twofold logs %s shows its last lines", nameOf(one), c.RestartCount, why, service)
		}
	}
	return text, nil
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
