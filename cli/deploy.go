package cli

import (
	"context"
	"slices"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/twofoldhq/twofold/manifest"
	"github.com/twofoldhq/twofold/release"
	"github.com/twofoldhq/twofold/targets"
)

func (c *commands) deploy() *cli.Command {
	return command(&cli.Command{
		Name:      "deploy",
		Usage:     "build, and make the targets run the result",
		ArgsUsage: "[SERVICE...]",
		Flags:     flags(manifestFlags(), toFlag(), releaseFlag(), pullFlag(), jsonFlag()),
		Action: func(x *cli.Context) error {
			work, err := c.prepare(x)
			if err != nil {
				return err
			}
			deployed, err := work.deploy(x.Context)
			if err != nil {
				return err
			}
			if x.Bool("json") {
				return c.json(deployed)
			}
			rows := make([][]string, 0, len(deployed))
			for _, s := range deployed {
				rows = append(rows, []string{s.Service, s.Target, s.URL})
			}
			return c.table(rows)
		},
	})
}

// intent is one deployment that a command wants on one target.
type intent struct {
	placement
	target  targets.Target
	release *release.Release
}

// work is what a deploy or a plan has to do, in the order of the services' needs:
// all placements of a service come one after the other, the first of them first.
type work struct {
	*project
	list []intent
	// urls are those of services that others refer to, by name.
	urls map[string]string
}

// prepare checks the services that the command line names against their targets,
// builds them, and returns what is to run where. Everything is built before
// anything is deployed.
func (t *terminal) prepare(x *cli.Context) (*work, error) {
	p, err := t.load(x)
	if err != nil {
		return nil, err
	}
	chosen, err := services(p.Manifest, x.Args().Slice())
	if err != nil {
		return nil, err
	}
	if x.String("release") != "" && len(chosen) > 1 {
		return nil, usageError("--release is a release of one service; name the service", "")
	}
	placed, err := placements(p.Manifest, inOrder(p.Manifest, chosen), x.StringSlice("to"))
	if err != nil {
		return nil, err
	}
	if err := p.fit(placed); err != nil {
		return nil, err
	}
	w := &work{project: p, urls: map[string]string{}}
	built := map[string]*release.Release{}
	for _, placed := range placed {
		target, err := placed.place.open()
		if err != nil {
			return nil, err
		}
		w.list = append(w.list, intent{placement: placed, target: target})
		if find := target.Info().Operations.Secrets; find != nil && (len(placed.service.Secrets) > 0 || len(placed.triggers) > 0) {
			if err := find(x.Context, placed.deployment(p.Manifest, nil)); err != nil {
				return nil, err
			}
		}
	}
	for i, placed := range w.list {
		r := built[placed.service.Name]
		if r == nil {
			options := buildOptions{platforms: w.platforms(placed.service), pull: x.Bool("pull")}
			if r, err = p.release(x.Context, placed.service, x.String("release"), options); err != nil {
				return nil, err
			}
			built[placed.service.Name] = r
		}
		w.list[i].release = r
	}
	return w, nil
}

// platforms returns what a service is built for: what the manifest says, else for
// each of its targets this machine's platform where the target runs it, and the one
// that the target prefers where it does not.
func (w *work) platforms(s *manifest.Service) []string {
	if len(s.Build.Platforms) > 0 {
		return s.Build.Platforms
	}
	var names []string
	for _, i := range w.list {
		if i.service.Name != s.Name {
			continue
		}
		platform := hostPlatform()
		if known := i.target.Info().Platforms; len(known) > 0 && !slices.Contains(known, platform) {
			platform = known[0]
		}
		if name := platform.String(); !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names
}

// inOrder returns the chosen services, each after those that it needs.
func inOrder(m *manifest.Manifest, chosen []*manifest.Service) []*manifest.Service {
	wanted := map[string]bool{}
	for _, s := range chosen {
		wanted[s.Name] = true
	}
	var list []*manifest.Service
	for _, s := range m.Order() {
		if wanted[s.Name] {
			list = append(list, s)
		}
	}
	return list
}

// deploy deploys one service after the other, with its hooks.
func (w *work) deploy(ctx context.Context) ([]targets.Status, error) {
	var deployed []targets.Status
	for n := 0; n < len(w.list); {
		of := w.of(n)
		n += len(of)
		list, err := w.deployService(ctx, of)
		if err != nil {
			return nil, err
		}
		deployed = append(deployed, list...)
	}
	return deployed, nil
}

// of returns the placements of the service that begin with number n.
func (w *work) of(n int) []intent {
	end := n + 1
	for end < len(w.list) && w.list[end].service.Name == w.list[n].service.Name {
		end++
	}
	return w.list[n:end]
}

func (w *work) deployService(ctx context.Context, of []intent) ([]targets.Status, error) {
	resolved, err := w.resolve(ctx, of[0].service)
	if err != nil {
		return nil, err
	}
	for i := range of {
		of[i].service = resolved
	}
	if err := w.hooks(ctx, of[0], false, ""); err != nil {
		return nil, err
	}
	var deployed []targets.Status
	for _, i := range of {
		s, err := w.terminal.deployOne(ctx, i.target, i.deployment(w.Manifest, i.release))
		if err != nil {
			return nil, err
		}
		deployed = append(deployed, s)
	}
	w.urls[resolved.Name] = deployed[0].URL
	return deployed, w.hooks(ctx, of[0], true, deployed[0].URL)
}

func (t *terminal) deployOne(ctx context.Context, target targets.Target, d targets.Deployment) (targets.Status, error) {
	address := target.Info().Address()
	t.progress.begin(d.Service + " deploy to " + address)
	started := time.Now()
	d.Events = t.events(d.Service, address)
	s, err := target.Deploy(ctx, d)
	if err != nil {
		return s, err
	}
	what := "deployed to " + address
	if !s.Changed {
		what = "unchanged on " + address
	}
	if s.Runner != "" {
		what += t.style(dim, " ("+s.Runner+")")
	}
	t.done(d.Service, what, time.Since(started))
	return s, nil
}

// events shows what happens while a target works on a service.
func (t *terminal) events(service, address string) func(targets.Event) {
	return func(e targets.Event) {
		if e.Warning {
			t.warn(e.Message)
		} else {
			t.progress.begin(service + " on " + address + ": " + e.Message)
		}
	}
}
