package docker

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/twofoldhq/twofold/targets"
	"github.com/twofoldhq/twofold/targets/gateway"
)

// Plan implements targets.Target. It also shows what was changed by hand. The value
// of a secret, or of a variable that is sensitive, is not shown.
func (t *Target) Plan(ctx context.Context, d targets.Deployment) (targets.Plan, error) {
	p := targets.Plan{Key: d.Key, Target: t.address(), Action: targets.ActionNone}
	values, err := t.values(ctx, d)
	if err != nil {
		return p, fmt.Errorf("%s: plan %q: %w", t.address(), d.Service, err)
	}
	err = t.with(ctx, fmt.Sprintf("plan %q", d.Service), func(ctx context.Context, s *session) error {
		w, err := s.want(d, values)
		if err != nil {
			return err
		}
		front, err := s.inspect(ctx, w.name)
		if err != nil {
			return err
		}
		if front != nil && !front.State.Running {
			// What else is to do, it knows alone.
			p.Action, p.Changes = targets.ActionUpdate, []targets.Change{{Name: "gateway", Before: string(front.State.Status), After: "running"}}
			return nil
		}
		live, found, err := s.live(ctx, w.name)
		if err != nil {
			return err
		}
		all, err := s.revisions(ctx, d.Key)
		if err != nil {
			return err
		}
		if p.Changes, err = s.changes(ctx, w, live, all); err != nil {
			return err
		}
		switch {
		case !found || live.Revision == "":
			p.Action = targets.ActionCreate
		case len(p.Changes) > 0:
			p.Action = targets.ActionUpdate
		}
		return nil
	})
	return p, err
}

// live asks the gateway of a deployment what it serves. A gateway that does not run
// serves nothing that is known.
func (s *session) live(ctx context.Context, name string) (live gateway.RouteStatus, found bool, err error) {
	c, err := s.inspect(ctx, name)
	if err != nil || c == nil || c.State == nil || !c.State.Running {
		return live, c != nil, err
	}
	reply, err := s.command(ctx, name, gateway.Request{Op: gateway.OpStatus}, nil)
	return reply.Routes[routeName], true, err
}

// changes are what a deploy would change, sorted by name.
func (s *session) changes(ctx context.Context, w *wanted, live gateway.RouteStatus, all map[string]*revision) ([]targets.Change, error) {
	next := readNote(w.route.Note)
	before, err := s.actual(ctx, w, live, all)
	if err != nil {
		return nil, err
	}
	var list []targets.Change
	names := map[string]bool{}
	for name := range maps.Keys(next.Attributes) {
		names[name] = true
	}
	for name := range maps.Keys(before.Attributes) {
		names[name] = true
	}
	for name := range names {
		was, had := before.Attributes[name]
		will, has := next.Attributes[name]
		if was == will && (had == has || was == "") {
			continue
		}
		hidden := slices.Contains(next.Hidden, name) || slices.Contains(before.Hidden, name)
		list = append(list, targets.Change{Name: name, Before: shown(was, hidden), After: shown(will, hidden)})
	}
	slices.SortFunc(list, func(a, b targets.Change) int { return strings.Compare(a.Name, b.Name) })
	return list, nil
}

func shown(value string, hidden bool) string {
	if hidden && value != "" {
		return "(sensitive)"
	}
	return value
}

// actual is the note of what serves, with what the engine says of its containers
// instead of what they were made with.
func (s *session) actual(ctx context.Context, w *wanted, live gateway.RouteStatus, all map[string]*revision) (note, error) {
	n := readNote(live.Note)
	r := all[live.Revision]
	if live.Revision == "" {
		return n, nil
	}
	if r == nil {
		return note{Attributes: map[string]string{"state": "no containers"}}, nil
	}
	made := n.Attributes
	n.Attributes = maps.Clone(made)
	if n.Attributes == nil {
		n.Attributes = map[string]string{}
	}
	if running := r.running(); running != w.replicas || running != len(live.Backends) {
		n.Attributes["replicas"] = strconv.Itoa(running)
	}
	for _, c := range r.containers {
		found, err := s.inspect(ctx, c.ID)
		if err != nil {
			return n, err
		}
		if found == nil || found.HostConfig == nil || found.Config == nil {
			continue
		}
		// What one container has that it was not made with counts, whatever the
		// others have.
		differs := func(name, value string) {
			if value != made[name] {
				n.Attributes[name] = value
			}
		}
		differs("memory", number(found.HostConfig.Memory, strconv.FormatInt(found.HostConfig.Memory, 10)))
		cpu := found.HostConfig.NanoCPUs / 1e6
		differs("cpu", number(cpu, targets.CPUText(cpu)))
		if policy := found.HostConfig.RestartPolicy.Name; policy != "unless-stopped" {
			n.Attributes["restart"] = string(policy)
		}
	}
	return n, nil
}

// number is how a note has a number: zero is nothing.
func number(n int64, text string) string {
	if n == 0 {
		return ""
	}
	return text
}
