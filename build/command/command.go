// Package command builds services with any command, and takes the folder that it
// leaves as the app tree. It is how every language works that has no builder of
// its own; without a command to run, the folder is taken as it is.
//
// The command is run again only if something has changed: its settings, one of
// its inputs, or its output. Changes are seen by size, times and inode; no content
// is read.
package command

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/twofoldhq/twofold/build"
	"github.com/twofoldhq/twofold/build/tree"
	"github.com/twofoldhq/twofold/build/workdir"
	"github.com/twofoldhq/twofold/manifest/schema"
)

// Builder is the builder "command". Its zero value is ready.
type Builder struct{}

var _ build.Builder = Builder{}

// Info describes the build block.
func (Builder) Info() build.Info {
	return build.Info{Name: "command", Schema: schema.Block{
		Label: "command",
		Doc:   "Runs any command and takes the folder that it leaves; without a command, takes a folder as it is.",
		Attributes: []schema.Attribute{
			{Name: "start", Type: schema.Strings, Required: true, Example: `["node", "server.js"]`,
				Doc: "The command that starts the app, in the output folder. A first word that begins with ./ is a file of the output; any other is looked up in PATH."},
			{Name: "run", Type: schema.Strings, Default: "nothing is run", Example: `["npm", "run", "build"]`,
				Doc: "The command that builds, word by word, without a shell. For several commands: [\"sh\", \"-c\", \"npm ci && npm run build\"]."},
			{Name: "dir", Type: schema.String, Default: "the manifest's folder", Example: `"services/web"`,
				Doc: "The folder where the command runs, relative to the manifest. The paths below are relative to it."},
			{Name: "output", Type: schema.String, Default: "dir itself", Example: `"dist"`,
				Doc: "The folder, or the one file, that becomes the app tree. With {os} or {arch} in it the command runs once for each platform, which it finds in TWOFOLD_OS and TWOFOLD_ARCH in Go's names; otherwise once for all."},
			{Name: "runtime", Type: schema.String, Default: "none", Example: `"nodejs24.x"`,
				Doc: "The language runtime that the output needs, by the name that AWS Lambda gives to it."},
			{Name: "inputs", Type: schema.Strings, Default: "all of dir but the output", Example: `["src", "package.json", "package-lock.json"]`,
				Doc: "The files, folders and patterns that decide whether the command has to run again. Required when a command runs and the output is dir itself."},
			{Name: "exclude", Type: schema.Strings, Default: "none", Example: `["*.map", "tests/"]`,
				Doc: "Patterns, as in .gitignore, of what is neither input nor part of the app tree. Version control's data, .twofold, the manifest, .env and .env.*.local never are."},
			{Name: "env", Type: schema.StringMap, Default: "none", Example: `{ NODE_ENV = "production" }`,
				Doc: "Environment of the command, over the one twofold was started in. It is not the app's environment."},
		},
	}}
}

// Build runs the command where it has to, and lists its output.
func (Builder) Build(ctx context.Context, req build.Request) ([]*build.Tree, error) {
	s, err := read(req)
	if err != nil {
		return nil, err
	}
	unlock, err := workdir.Lock(ctx, req.WorkDir, req.Log)
	if err != nil {
		return nil, err
	}
	defer unlock()

	made := make(map[string][]build.File) // by output
	trees := make([]*build.Tree, len(req.Platforms))
	for i, p := range req.Platforms {
		o := s.forPlatform(p, req)
		files, ok := made[o.path]
		if !ok {
			if files, err = o.make(ctx); err != nil {
				return nil, err
			}
			made[o.path] = files
		}
		trees[i] = &build.Tree{
			Platform: p,
			Command:  slices.Clone(s.start),
			Runtime:  s.runtime,
			Files:    slices.Clone(files),
		}
	}
	return trees, nil
}

// forPlatform is the run whose output a platform takes.
func (s settings) forPlatform(p build.Platform, req build.Request) output {
	o := output{settings: s, log: req.Log, name: s.output, record: filepath.Join(req.WorkDir, "all.json")}
	if s.eachPlatform() {
		o.platform = p
		o.name = strings.NewReplacer("{os}", p.OS, "{arch}", p.Arch).Replace(s.output)
		o.record = filepath.Join(req.WorkDir, p.OS+"-"+p.Arch+".json")
	}
	o.path = filepath.Join(s.dir, filepath.FromSlash(o.name))
	o.stamp = filepath.Join(req.WorkDir, "stamp")
	return o
}

// make brings the output up to date and returns it as the files of a tree.
func (o output) make(ctx context.Context) ([]build.File, error) {
	entries, err := o.upToDate(ctx)
	if err != nil {
		return nil, err
	}
	files, err := tree.Files(entries)
	if err != nil {
		return nil, fmt.Errorf("build command: output %q: %w", o.name, err)
	}
	return files, o.checkStart(files)
}

// checkStart makes sure that a start command within the tree can be started.
func (o output) checkStart(files []build.File) error {
	name, local := strings.CutPrefix(o.start[0], "./")
	if !local {
		return nil
	}
	i, found := slices.BinarySearchFunc(files, name, func(f build.File, p string) int { return strings.Compare(f.Path, p) })
	switch {
	case !found:
		return o.wrong("start", fmt.Sprintf("The output has no file %q", name),
			fmt.Sprintf("The app starts in the output, %s, so the path of its first word is relative to that.", o.path))
	case !files[i].Executable && files[i].Link == "":
		return o.wrong("start", fmt.Sprintf("The file %q is not executable", name),
			fmt.Sprintf("Run chmod +x %s, or start it with its interpreter.", files[i].Source))
	}
	return nil
}
