package cli

import (
	"time"

	"github.com/twofoldhq/twofold/build"
	"github.com/twofoldhq/twofold/manifest"
	"github.com/twofoldhq/twofold/release"
	"github.com/twofoldhq/twofold/targets"
)

// placement is a service on one of its targets.
type placement struct {
	service *manifest.Service
	place   place
	// first: the service's one-off commands run here, and its URL is this one's.
	first bool
	// triggersOnly: the target is there for the schedules and triggers below.
	triggersOnly bool
	schedules    []manifest.Schedule
	triggers     []manifest.Trigger
}

// placementsOf returns where a service goes: to its targets, and to those that its
// schedules and triggers name. to, if it is not empty, replaces all of them. What
// names no target of its own is fired by the service's first.
func placementsOf(s *manifest.Service, known, to []place) ([]placement, error) {
	chosen := to
	if len(chosen) == 0 {
		var err error
		if chosen, err = choose(known, s.Targets); err != nil {
			return nil, err
		}
	}
	var list []placement
	for i, p := range chosen {
		list = append(list, placement{service: s, place: p, first: i == 0})
	}
	// at returns the placement on a target, a new one if there is none.
	at := func(address string) (*placement, error) {
		if address == "" || len(to) > 0 {
			return &list[0], nil
		}
		for i := range list {
			if list[i].place.address == address {
				return &list[i], nil
			}
		}
		p, err := findPlace(known, address)
		if err != nil {
			return nil, err
		}
		list = append(list, placement{service: s, place: p, triggersOnly: true})
		return &list[len(list)-1], nil
	}
	for _, schedule := range s.Schedules {
		p, err := at(schedule.Target)
		if err != nil {
			return nil, err
		}
		p.schedules = append(p.schedules, schedule)
	}
	for _, trigger := range s.Triggers {
		p, err := at(trigger.Target)
		if err != nil {
			return nil, err
		}
		p.triggers = append(p.triggers, trigger)
	}
	return list, nil
}

// placements returns where each of the services goes.
func placements(m *manifest.Manifest, services []*manifest.Service, to []string) ([]placement, error) {
	known, err := places(m)
	if err != nil {
		return nil, err
	}
	replaced, err := choose(known, to)
	if err != nil {
		return nil, err
	}
	var list []placement
	for _, s := range services {
		of, err := placementsOf(s, known, replaced)
		if err != nil {
			return nil, err
		}
		list = append(list, of...)
	}
	return list, nil
}

// deployment is the placement in the words of the targets.
func (p placement) deployment(m *manifest.Manifest, r *release.Release) targets.Deployment {
	s := p.service
	d := targets.Deployment{
		Key:          targets.Key{Project: m.Project, Service: s.Name, Environment: m.Environment},
		Release:      r,
		Port:         s.Port,
		Health:       s.Health.Path,
		Start:        s.Health.Start,
		Env:          s.Env,
		Memory:       s.Memory,
		CPU:          s.CPU,
		Timeout:      s.Timeout,
		Scale:        targets.Scale{Min: s.Scale.Min, Max: s.Scale.Max, Concurrency: s.Scale.Concurrency},
		Domain:       s.Domain,
		Rollout:      targets.Rollout{Steps: s.Rollout.Steps, Wait: s.Rollout.Wait, MaxErrors: s.Rollout.MaxErrors},
		TriggersOnly: p.triggersOnly,
		Sensitive:    s.Sensitive,
		Dir:          m.Dir,
	}
	for _, secret := range s.Secrets {
		d.Secrets = append(d.Secrets, targets.Secret{Name: secret.Name, From: secret.From})
	}
	for _, v := range s.Volumes {
		d.Volumes = append(d.Volumes, targets.Volume{Name: v.Name, Path: v.Path, Size: v.Size, ReadOnly: v.ReadOnly})
	}
	for _, t := range p.schedules {
		d.Schedules = append(d.Schedules, targets.Schedule{Name: t.Name, Cron: t.Cron, Zone: t.Timezone, Path: t.Path})
	}
	for _, t := range p.triggers {
		d.Triggers = append(d.Triggers, targets.Trigger{
			Kind: t.Kind, Name: t.Name, Source: t.Source, Path: t.Path, Batch: t.Batch, Whole: t.Whole,
			Prefix: t.Prefix, Suffix: t.Suffix, Created: t.Created, Removed: t.Removed,
		})
	}
	return d
}

// workload is what the placement asks of its target, before anything is built.
func (p placement) workload(m *manifest.Manifest, built *targets.Sizes) targets.Workload {
	s := p.service
	w := targets.Workload{
		Service:    s.Name,
		Forms:      []release.Kind{release.Image, release.Bundle},
		Runtime:    s.Build.Settings.String("runtime"),
		Base:       s.Build.Base != "",
		Deployment: p.deployment(m, nil),
		Background: s.Background,
		Built:      built,
	}
	for _, name := range s.Build.Platforms {
		if platform, err := build.ParsePlatform(name); err == nil {
			w.Platforms = append(w.Platforms, platform)
		}
	}
	for _, unset := range []struct {
		path  string
		clear func()
	}{
		{"port", func() { w.Port = 0 }},
		{"health.path", func() { w.Health = "" }},
		{"health.start", func() { w.Start = time.Duration(0) }},
	} {
		if !s.Set[unset.path] {
			unset.clear()
		}
	}
	for name := range s.Unknown {
		w.Unknown = append(w.Unknown, name)
	}
	if p.first {
		for _, h := range s.Hooks {
			if !h.OnMachine {
				w.Runs = append(w.Runs, h.Name)
			}
		}
	}
	return w
}
