package cli

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/twofoldhq/twofold/manifest"
	"github.com/twofoldhq/twofold/targets"
)

// resolve returns the service with the values of its environment that wait for
// other services. These were deployed before it, now or by an earlier command.
func (w *work) resolve(ctx context.Context, s *manifest.Service) (*manifest.Service, error) {
	if len(s.Unknown) == 0 {
		return s, nil
	}
	for _, name := range waitsFor(s) {
		url, err := w.url(ctx, name)
		if err != nil {
			return nil, err
		}
		if url == "" {
			return nil, withHint(fmt.Errorf("service %q refers to the URL of service %q, which is not deployed in environment %q", s.Name, name, w.Environment),
				fmt.Sprintf("twofold deploy %s %s", name, s.Name))
		}
	}
	resolved, diagnostics := w.Resolve(s.Name, w.urls)
	return resolved, diagnostics.Err()
}

// waitsFor returns the services whose URLs the service refers to, sorted.
func waitsFor(s *manifest.Service) []string {
	names := map[string]bool{}
	for _, list := range s.Unknown {
		for _, name := range list {
			names[name] = true
		}
	}
	return slices.Sorted(maps.Keys(names))
}

// url returns where a service of the manifest answers, or "" if it is not deployed.
func (w *work) url(ctx context.Context, name string) (string, error) {
	if known, ok := w.urls[name]; ok {
		return known, nil
	}
	s, err := w.Service(name)
	if err != nil {
		return "", err
	}
	placed, err := placements(w.Manifest, []*manifest.Service{s}, nil)
	if err != nil {
		return "", err
	}
	// Where the command deploys to other targets than those of the manifest, the
	// service is looked for there first.
	candidates := []targets.Target{}
	for _, i := range w.list {
		candidates = append(candidates, i.target)
	}
	if first := placed[0].place; first.opens() {
		t, err := first.open()
		if err != nil {
			return "", err
		}
		candidates = append(candidates, t)
	}
	asked := map[string]bool{}
	for _, t := range candidates {
		if address := t.Info().Address(); asked[address] {
			continue
		} else {
			asked[address] = true
		}
		found, err := t.Status(ctx, targets.Filter{Project: w.Project, Service: name, Environment: w.Environment})
		if err != nil {
			return "", err
		}
		if len(found) > 0 {
			w.urls[name] = found[0].URL
			return found[0].URL, nil
		}
	}
	return "", nil
}

// afterDeploy stands in a plan for a value that is known only after a deploy.
const afterDeploy = "(known after deploy)"

// plan says what a deploy of the intent would change.
func (w *work) plan(ctx context.Context, i intent) (targets.Plan, error) {
	for _, name := range waitsFor(i.service) {
		if _, err := w.url(ctx, name); err != nil {
			return targets.Plan{}, err
		}
	}
	if len(i.service.Unknown) > 0 {
		resolved, diagnostics := w.Resolve(i.service.Name, w.urls)
		if err := diagnostics.Err(); err != nil {
			return targets.Plan{}, err
		}
		i.service = resolved
	}
	d := i.deployment(w.Manifest, i.release)
	if len(i.service.Unknown) > 0 {
		d.Env = maps.Clone(d.Env)
		for name := range i.service.Unknown {
			d.Env[name] = afterDeploy
		}
	}
	plan, err := i.target.Plan(ctx, d)
	if err == nil && i.first {
		plan.Hooks = hookNames(i.service)
	}
	return plan, err
}
