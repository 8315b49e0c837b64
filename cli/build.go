package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/twofoldhq/twofold/build"
	"github.com/twofoldhq/twofold/build/builders"
	"github.com/twofoldhq/twofold/manifest"
	"github.com/twofoldhq/twofold/manifest/schema"
	"github.com/twofoldhq/twofold/release"
)

// keepReleases is how many releases of a service stay in the project's store.
const keepReleases = 10

func (c *commands) build() *cli.Command {
	return command(&cli.Command{
		Name:      "build",
		Usage:     "one compile, both forms, into the project's own OCI layout",
		ArgsUsage: "[SERVICE...]",
		Flags:     flags(manifestFlags(), platformFlag(), pullFlag(), jsonFlag()),
		Action: func(x *cli.Context) error {
			p, err := c.load(x)
			if err != nil {
				return err
			}
			chosen, err := services(p.Manifest, x.Args().Slice())
			if err != nil {
				return err
			}
			built, err := p.build(x.Context, chosen, buildOptions{platforms: x.StringSlice("platform"), pull: x.Bool("pull")})
			if err != nil {
				return err
			}
			return c.reportReleases(built, x.Bool("json"))
		},
	})
}

func (t *terminal) reportReleases(releases []*release.Release, asJSON bool) error {
	if asJSON {
		described := make([]releaseJSON, 0, len(releases))
		for _, r := range releases {
			described = append(described, describe(r))
		}
		return t.json(described)
	}
	for _, r := range releases {
		if _, err := fmt.Fprintf(t.out, "%s %s\n", r.Service, r.Digest); err != nil {
			return err
		}
	}
	return nil
}

// releaseJSON is how a release is written with --json.
type releaseJSON struct {
	Project string     `json:"project"`
	Service string     `json:"service"`
	Digest  string     `json:"digest"`
	Forms   []formJSON `json:"forms"`
}

type formJSON struct {
	Form     release.Kind `json:"form"`
	Platform string       `json:"platform"`
	Digest   string       `json:"digest"`
	Tree     string       `json:"tree"`
	Runtime  string       `json:"runtime,omitempty"`
	Size     int64        `json:"size"`
}

func describe(r *release.Release) releaseJSON {
	d := releaseJSON{Project: r.Project, Service: r.Service, Digest: r.Digest}
	for _, f := range r.Forms {
		d.Forms = append(d.Forms, formJSON{f.Kind, f.Platform.String(), f.Digest, f.Tree, f.Runtime, f.Size})
	}
	return d
}

type buildOptions struct {
	platforms []string
	pull      bool
}

// build makes the release of each service, under the project's lock.
func (p *project) build(ctx context.Context, chosen []*manifest.Service, o buildOptions) ([]*release.Release, error) {
	unlock, err := p.lock(ctx)
	if err != nil {
		return nil, err
	}
	defer unlock()
	store, err := p.store()
	if err != nil {
		return nil, err
	}
	var built []*release.Release
	for _, s := range chosen {
		r, err := p.buildService(ctx, store, s, o)
		if err != nil {
			return nil, err
		}
		built = append(built, r)
	}
	return built, nil
}

func (p *project) buildService(ctx context.Context, store *release.Store, s *manifest.Service, o buildOptions) (*release.Release, error) {
	trees, err := p.compile(ctx, s, o)
	if err != nil {
		return nil, err
	}
	p.terminal.progress.begin(s.Name + " image and bundle")
	started := time.Now()
	r, err := release.Assemble(ctx, store, release.Spec{
		Project: p.Project,
		Service: s.Name,
		Port:    s.Port,
		Health:  s.Health.Path,
		Base:    s.Build.Base,
		Secrets: len(s.Secrets) > 0,
		Trees:   trees,
	}, release.Options{Pull: o.pull, Warn: p.terminal.warn})
	if err != nil {
		return nil, p.located(err, s)
	}
	if err := store.Prune(s.Name, keepReleases); err != nil {
		p.terminal.warn(err.Error())
	}
	p.terminal.done(s.Name, "release "+short(r.Digest)+": "+sizes(r), time.Since(started))
	return r, nil
}

// sizes says how much a host transfers of each form.
func sizes(r *release.Release) string {
	var image, bundle int64
	platforms := 0
	for _, f := range r.Forms {
		if f.Kind == release.Image {
			image += f.Size
			platforms++
		} else {
			bundle += f.Size
		}
	}
	text := fmt.Sprintf("image %s, bundle %s", size(image), size(bundle))
	if platforms > 1 {
		text += fmt.Sprintf(" on %d platforms", platforms)
	}
	return text
}

// compile has the service's builder make the app trees.
func (p *project) compile(ctx context.Context, s *manifest.Service, o buildOptions) ([]*build.Tree, error) {
	builder, ok := builders.Find(s.Build.Builder)
	if !ok {
		return nil, p.At(s.Name, "build", "Unknown builder", fmt.Sprintf("There is no builder %q.", s.Build.Builder)).Err()
	}
	wanted, err := platforms(o.platforms, s)
	if err != nil {
		return nil, err
	}
	work := p.cache("build", s.Name, s.Build.Builder)
	if err := os.MkdirAll(work, 0o755); err != nil {
		return nil, fmt.Errorf("make the build folder: %w", err)
	}
	p.terminal.progress.begin(s.Name + " build " + s.Build.Builder)
	started := time.Now()
	var log bytes.Buffer
	trees, err := builder.Build(ctx, build.Request{
		Service:   s.Name,
		Dir:       p.Dir,
		Platforms: wanted,
		Settings:  s.Build.Settings,
		WorkDir:   work,
		Log:       io.MultiWriter(&log, p.terminal.progress),
	})
	if err != nil {
		// What the tool printed has been seen as it came; it is not shown twice.
		var tool *build.ToolError
		if errors.As(err, &tool) && log.Len() > 0 {
			shown := *tool
			shown.Output = ""
			return nil, fmt.Errorf("build service %q: %w", s.Name, &shown)
		}
		return nil, p.located(fmt.Errorf("build service %q: %w", s.Name, err), s)
	}
	p.terminal.done(s.Name, "build "+s.Build.Builder+" "+platformNames(wanted), time.Since(started))
	return trees, nil
}

func platformNames(platforms []build.Platform) string {
	text := ""
	for i, p := range platforms {
		if i > 0 {
			text += ", "
		}
		text += p.String()
	}
	return text
}

// located turns an error about a setting into one that shows its line.
func (p *project) located(err error, s *manifest.Service) error {
	var setting *schema.Error
	if !errors.As(err, &setting) {
		return err
	}
	path := "build"
	if setting.Attribute != "" {
		path += "." + setting.Attribute
	}
	return p.At(s.Name, path, setting.Summary, setting.Detail).Err()
}

// release returns the release that --release names, else a fresh build.
func (p *project) release(ctx context.Context, s *manifest.Service, ref string, o buildOptions) (*release.Release, error) {
	if ref == "" {
		built, err := p.build(ctx, []*manifest.Service{s}, o)
		if err != nil {
			return nil, err
		}
		return built[0], nil
	}
	store, err := p.store()
	if err != nil {
		return nil, err
	}
	r, err := store.Find(ref)
	if err != nil {
		return nil, withHint(err, "twofold build "+s.Name)
	}
	if r.Service != s.Name {
		return nil, usageError(fmt.Sprintf("release %s is of service %q, not of %q", short(r.Digest), r.Service, s.Name), "")
	}
	return r, nil
}
