package docker

import (
	"context"
	"fmt"
	"net"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/twofoldhq/twofold/release"
	"github.com/twofoldhq/twofold/targets"
	"github.com/twofoldhq/twofold/targets/gateway"
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
	worst, restarted, err := s.trouble(ctx, st.Service, r)
	for _, text := range []string{worst, silentText(st.Service, live, r), queueTrouble(live), restarted} {
		if st.Detail == "" {
			st.Detail = text
		}
	}
	return err
}

// silentText names a backend that is not there, or does not answer, or is "".
func silentText(service string, live gateway.RouteStatus, r *revision) string {
	for _, address := range live.Backends {
		name, _, _ := net.SplitHostPort(address)
		switch {
		case slices.Contains(live.Ready, address):
		case !slices.Contains(r.names(), name):
			return fmt.Sprintf("container %s was removed: twofold deploy %s makes it again", name, service)
		case live.Health == "":
			return fmt.Sprintf("container %s runs, and takes no connection: twofold logs %s shows its last lines, and docker restart %s starts it again", name, service, name)
		default:
			return fmt.Sprintf("container %s runs, and does not answer %s: twofold logs %s shows its last lines, and docker restart %s starts it again", name, live.Health, service, name)
		}
	}
	return ""
}

// recent is for how long the status tells that a container has ended and started
// again.
const recent = time.Hour

// killed is the exit status of what was ended by force.
const killed = 128 + int(syscall.SIGKILL)

// trouble says how the container does that does worst, and which one has started again
// lately; "" is none.
func (s *session) trouble(ctx context.Context, service string, r *revision) (worst, restarted string, err error) {
	for _, one := range r.containers {
		c, err := s.inspect(ctx, one.ID)
		if err != nil {
			return "", "", err
		}
		if c == nil || c.State == nil {
			continue
		}
		name, logs := nameOf(one), fmt.Sprintf("twofold logs %s shows its last lines", service)
		reason := exitText(int64(c.State.ExitCode))
		memory := "it used more than its memory of " + targets.MemoryText(c.HostConfig.Memory)
		// The engine goes on saying so after it has started the container again.
		if c.State.OOMKilled && c.State.ExitCode == killed {
			reason = memory
		}
		switch {
		case c.State.Restarting:
			return fmt.Sprintf("container %s ends again and again, %s by now: %s; %s", name, times(c.RestartCount), reason, logs), "", nil
		case c.State.Paused:
			worst = fmt.Sprintf("container %s is paused: docker unpause %s lets it go on", name, name)
		case !c.State.Running:
			if c.State.Error != "" {
				reason = c.State.Error
			}
			worst = fmt.Sprintf("container %s does not run (%s): %s, and twofold deploy %s makes it again", name, reason, logs, service)
		case c.RestartCount > 0 && time.Since(parseTime(c.State.StartedAt)) < recent:
			if c.State.OOMKilled {
				logs = "also since " + memory + "; " + logs
			}
			restarted = fmt.Sprintf("container %s ended and was started again, %s by now: %s", name, times(c.RestartCount), logs)
		}
	}
	return worst, restarted, nil
}

func times(n int) string {
	if n == 1 {
		return "once"
	}
	return fmt.Sprintf("%d times", n)
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
