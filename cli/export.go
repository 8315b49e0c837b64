package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/twofoldhq/twofold/build"
	"github.com/twofoldhq/twofold/release"
	"github.com/twofoldhq/twofold/targets"
)

// Ways to write a release to files.
const (
	exportBundle = "bundle"
	exportImage  = "image"
	exportLayout = "layout"
	// exportManifests is what another tool applies, of any number of services.
	exportManifests = "manifests"
)

func (c *commands) export() *cli.Command {
	return command(&cli.Command{
		Name:      "export",
		Usage:     "write the image (docker load), the bundle (zip), the whole release (OCI layout) or the manifests (Kubernetes) to files",
		ArgsUsage: "[SERVICE]",
		Description: "Manifests are what a deploy would apply, for those who let another tool apply it. They are of all services that go\n" +
			"to a target which has manifests, or of those that are named. Values of secrets and sensitive variables are not in them.",
		Flags: flags(manifestFlags(), toFlag(), releaseFlag(), platformFlag(), pullFlag(),
			&cli.StringFlag{Name: "form", Value: exportBundle, Usage: "what to write: `FORM` is bundle, image, layout or manifests"},
			&cli.StringFlag{Name: "output", Aliases: []string{"o"}, Usage: "the `FILE` to write, - for standard output, or the folder of a layout or of manifests (default: named after the service, in the working folder; \"manifests\")"},
			&cli.StringFlag{Name: "tag", Usage: "the `TAG` that docker load gives to the image (default: PROJECT/SERVICE:latest)"},
			&cli.StringFlag{Name: "as", Value: targets.ManifestsPlain, Usage: "for manifests: `STYLE` is plain, kustomize or helm"},
			&cli.BoolFlag{Name: "push", Usage: "for manifests: hand the images to the target's registry too"}),
		Action: func(x *cli.Context) error {
			if x.String("form") == exportManifests {
				return c.exportManifests(x)
			}
			for _, name := range []string{"as", "push", "to"} {
				if x.IsSet(name) {
					return usageError("--"+name+" is for manifests", "twofold export --form manifests --"+name+" ...")
				}
			}
			p, err := c.load(x)
			if err != nil {
				return err
			}
			s, err := oneService(p.Manifest, x.Args().Slice())
			if err != nil {
				return err
			}
			form := x.String("form")
			if form != exportBundle && form != exportImage && form != exportLayout {
				return usageError(fmt.Sprintf("there is no form %q: use bundle, image, layout or manifests", form), "")
			}
			r, err := p.release(x.Context, s, x.String("release"), buildOptions{platforms: x.StringSlice("platform"), pull: x.Bool("pull")})
			if err != nil {
				return err
			}
			started := time.Now()
			path := x.String("output")
			if form == exportLayout {
				path, err = exportToLayout(x.Context, r, path)
			} else {
				path, err = c.exportToFile(x, r, form, path)
			}
			if err != nil {
				return err
			}
			if path != "-" {
				c.done(s.Name, "export "+form, time.Since(started))
				_, err = fmt.Fprintln(c.out, path)
			}
			return err
		},
	})
}

func exportToLayout(ctx context.Context, r *release.Release, path string) (string, error) {
	if path == "-" {
		return "", usageError("a layout is a folder and cannot go to standard output", "twofold export --form image --output -")
	}
	if path == "" {
		path = r.Service + "-layout"
	}
	return path, r.WriteLayout(ctx, path)
}

func (c *commands) exportToFile(x *cli.Context, r *release.Release, form, path string) (string, error) {
	platform, err := exportPlatform(x.StringSlice("platform"), r)
	if err != nil {
		return "", err
	}
	f, err := r.Form(release.Kind(form), platform)
	if err != nil {
		return "", err
	}
	write := func(w io.Writer) error {
		if form == exportBundle {
			return r.WriteBundle(x.Context, f, w)
		}
		tag := x.String("tag")
		if tag == "" {
			tag = r.Project + "/" + r.Service + ":latest"
		}
		return r.WriteImageTar(x.Context, f, tag, w)
	}
	if path == "-" {
		return path, write(c.out)
	}
	if path == "" {
		suffix := ".zip"
		if form == exportImage {
			suffix = ".tar"
		}
		path = r.Service + suffix
	}
	return path, writeWhole(path, 0o644, write)
}

// exportPlatform is the one platform of a file: the one that was asked for, else
// the release's only one, else this machine's.
func exportPlatform(asked []string, r *release.Release) (build.Platform, error) {
	if len(asked) > 1 {
		return build.Platform{}, usageError("a file holds one platform; name one, or use --form layout", "")
	}
	if len(asked) == 1 {
		p, err := build.ParsePlatform(asked[0])
		if err != nil {
			return p, &UsageError{Err: err}
		}
		return p, nil
	}
	if len(r.Forms) == 2 {
		return r.Forms[0].Platform, nil
	}
	return hostPlatform(), nil
}

// writeWhole writes a file that is there whole or not at all.
func writeWhole(path string, mode fs.FileMode, write func(io.Writer) error) error {
	file, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*")
	if err != nil {
		return fmt.Errorf("write %q: %w", path, err)
	}
	defer os.Remove(file.Name())
	if err := errors.Join(write(file), file.Chmod(mode), file.Close()); err != nil {
		return fmt.Errorf("write %q: %w", path, err)
	}
	if err := os.Rename(file.Name(), path); err != nil {
		return fmt.Errorf("write: %w", err)
	}
	return nil
}
