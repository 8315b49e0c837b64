package cli

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/twofoldhq/twofold/manifest"
	"github.com/twofoldhq/twofold/targets"
)

// exportManifests writes what a target would apply, for another tool that applies it.
func (c *commands) exportManifests(x *cli.Context) error {
	request := targets.ManifestsRequest{Style: x.String("as"), Push: x.Bool("push")}
	if styles := []string{targets.ManifestsPlain, targets.ManifestsKustomize, targets.ManifestsHelm}; !slices.Contains(styles, request.Style) {
		return usageError(fmt.Sprintf("there is no style %q: use plain, kustomize or helm", request.Style), "")
	}
	output := x.String("output")
	if output == "-" && request.Style != targets.ManifestsPlain {
		return usageError("a folder of manifests cannot go to standard output", "twofold export --form manifests --as "+request.Style+" --output FOLDER")
	}
	work, target, err := c.prepareManifests(x)
	if err != nil {
		return err
	}
	started := time.Now()
	if err = work.describe(x.Context, target, &request); err != nil {
		return err
	}
	request.Events = c.events("manifests", target.Info().Address())
	files, err := target.Info().Operations.Manifests(x.Context, request)
	if err != nil {
		return err
	}
	if !request.Push {
		c.note("the images are not handed to the registry: --push does it")
	}
	if output == "-" {
		return writeStream(c.out, files)
	}
	if output == "" {
		output = exportManifests
	}
	if err := writeManifests(output, files); err != nil {
		return err
	}
	c.done(work.Project, "export "+exportManifests, time.Since(started))
	_, err = fmt.Fprintln(c.out, output)
	return err
}

// prepareManifests builds the services that go to the one target with manifests.
func (c *commands) prepareManifests(x *cli.Context) (*work, targets.Target, error) {
	p, err := c.load(x)
	if err != nil {
		return nil, nil, err
	}
	chosen, err := services(p.Manifest, x.Args().Slice())
	if err != nil {
		return nil, nil, err
	}
	if x.String("release") != "" && len(chosen) > 1 {
		return nil, nil, usageError("--release is a release of one service; name the service", "")
	}
	placed, err := placements(p.Manifest, inOrder(p.Manifest, chosen), x.StringSlice("to"))
	if err != nil {
		return nil, nil, err
	}
	described, at, err := withManifests(placed)
	if err != nil {
		return nil, nil, err
	}
	if err := p.fit(described); err != nil {
		return nil, nil, err
	}
	target, err := at.open()
	if err != nil {
		return nil, nil, err
	}
	w := &work{project: p, urls: map[string]string{}}
	for _, one := range described {
		w.list = append(w.list, intent{placement: one, target: target})
	}
	for n, i := range w.list {
		options := buildOptions{platforms: x.StringSlice("platform"), pull: x.Bool("pull")}
		if len(options.platforms) == 0 {
			options.platforms = w.platforms(i.service)
		}
		if w.list[n].release, err = p.release(x.Context, i.service, x.String("release"), options); err != nil {
			return nil, nil, err
		}
	}
	return w, target, nil
}

// withManifests returns the placements on the one target that has manifests.
func withManifests(placed []placement) (found []placement, at place, err error) {
	for _, one := range placed {
		info, err := one.place.describe()
		if err != nil {
			return nil, at, err
		}
		if info.Operations.Manifests == nil {
			continue
		}
		if at.address != "" && at.address != one.place.address {
			return nil, at, usageError(fmt.Sprintf("the services go to several targets that have manifests: add --to %s or --to %s", at.address, one.place.address), "")
		}
		at = one.place
		found = append(found, one)
	}
	if len(found) == 0 {
		return nil, at, &UsageError{Err: fmt.Errorf("none of these services goes to one: %w", targets.ErrNoManifests), Hint: "twofold export --form manifests --to kubernetes.NAME"}
	}
	return found, at, nil
}

// describe adds the deployments of the work to a request, whose references to each
// other's URLs are those that the target will give them.
func (w *work) describe(ctx context.Context, target targets.Target, r *targets.ManifestsRequest) error {
	for _, s := range w.Services {
		placed, err := placements(w.Manifest, []*manifest.Service{s}, nil)
		if err != nil {
			return err
		}
		if placed[0].place.address == target.Info().Address() {
			w.urls[s.Name] = target.Info().Operations.Address(placed[0].deployment(w.Manifest, nil))
		}
	}
	r.Hooks = map[targets.Key][]targets.Hook{}
	for _, i := range w.list {
		resolved, err := w.resolve(ctx, i.service)
		if err != nil {
			return err
		}
		i.service = resolved
		d := i.deployment(w.Manifest, i.release)
		r.Deployments = append(r.Deployments, d)
		if i.first {
			r.Hooks[d.Key] = w.describedHooks(resolved)
		}
	}
	return nil
}

// describedHooks are the hooks that run in the release. No other tool knows the machine
// that the others run on.
func (w *work) describedHooks(s *manifest.Service) (list []targets.Hook) {
	for _, h := range s.Hooks {
		if h.OnMachine {
			w.terminal.warn(fmt.Sprintf("%s: its hook %s runs on the machine that deploys, and is not among the manifests", s.Name, h.Name))
			continue
		}
		list = append(list, targets.Hook{Name: h.Name, After: h.After, Command: h.Run, Timeout: h.Timeout, Env: h.Env, Sensitive: h.Sensitive})
	}
	return list
}

func writeStream(out io.Writer, files []targets.ManifestFile) error {
	for _, f := range files {
		if _, err := fmt.Fprintf(out, "---\n%s", f.Content); err != nil {
			return err
		}
	}
	return nil
}

// exportedList is the file of a folder of manifests that names those which twofold has
// written, so that the next export removes what it does not write any more, and nothing
// else.
const exportedList = ".twofold-manifests"

// writeManifests writes the files into a folder, none of them half.
func writeManifests(folder string, files []targets.ManifestFile) error {
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return fmt.Errorf("make the folder for the manifests: %w", err)
	}
	root, err := os.OpenRoot(folder)
	if err != nil {
		return fmt.Errorf("write manifests: %w", err)
	}
	defer root.Close()
	before, err := exportedBefore(root)
	if err != nil {
		return err
	}
	var list bytes.Buffer
	now := map[string]bool{}
	for _, f := range files {
		now[f.Path] = true
		fmt.Fprintln(&list, f.Path)
	}
	for _, f := range files {
		if err := writeIn(root, f.Path, f.Content); err != nil {
			return err
		}
	}
	for _, old := range before {
		if now[old] {
			continue
		}
		if err := root.Remove(filepath.FromSlash(old)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("remove a manifest of an earlier export: %w", err)
		}
	}
	return writeIn(root, exportedList, list.Bytes())
}

// exportedBefore returns what an earlier export has written. A folder with files and
// without a list is somebody's own.
func exportedBefore(root *os.Root) ([]string, error) {
	content, err := root.ReadFile(exportedList)
	if errors.Is(err, fs.ErrNotExist) {
		entries, err := fs.ReadDir(root.FS(), ".")
		if err == nil && len(entries) > 0 {
			err = withHint(fmt.Errorf("the folder %q has files that are not of an earlier export", root.Name()), "twofold export --form manifests --output NEW-FOLDER")
		}
		return nil, err
	}
	if err != nil {
		return nil, fmt.Errorf("read the list of an earlier export: %w", err)
	}
	var list []string
	for lines := bufio.NewScanner(bytes.NewReader(content)); lines.Scan(); {
		if lines.Text() != "" {
			list = append(list, lines.Text())
		}
	}
	return list, nil
}

// writeIn writes a file of a folder whole or not at all.
func writeIn(root *os.Root, name string, content []byte) error {
	file := filepath.FromSlash(name)
	part := file + ".part"
	err := root.MkdirAll(filepath.FromSlash(path.Dir(name)), 0o755)
	if err == nil {
		err = root.WriteFile(part, content, 0o644)
	}
	if err == nil {
		err = root.Rename(part, file)
	}
	if err != nil {
		_ = root.Remove(part)
		return fmt.Errorf("write manifest %q: %w", name, err)
	}
	return nil
}
