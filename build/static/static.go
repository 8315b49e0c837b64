// Package static takes a binary that was built elsewhere, by a compiler that
// twofold does not know or by an earlier step of a pipeline.
package static

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/twofoldhq/twofold/build"
	"github.com/twofoldhq/twofold/build/tree"
	"github.com/twofoldhq/twofold/manifest/schema"
)

// name is the binary's name in the app tree, whatever it is called outside.
const name = "server"

// Builder is the builder "static". Its zero value is ready.
type Builder struct{}

var _ build.Builder = Builder{}

// Info describes the build block.
func (Builder) Info() build.Info {
	return build.Info{Name: "static", Schema: schema.Block{
		Label: "static",
		Doc:   "Takes a prebuilt binary, one for each platform.",
		Attributes: []schema.Attribute{
			{Name: "binary", Type: schema.String, Required: true, Example: `"dist/server-{arch}"`,
				Doc: "The binary, relative to the manifest. {os} and {arch} stand for the platform in Go's names, such as linux and arm64."},
			{Name: "args", Type: schema.Strings, Default: "none", Example: `["serve"]`,
				Doc: "Arguments that the app is started with."},
			{Name: "files", Type: schema.Strings, Default: "none", Example: `["templates", "static"]`,
				Doc: "Files and folders below the manifest's folder that lie beside the binary when it runs, at the same relative paths."},
		},
	}}
}

// Build checks that each binary runs on its platform, which takes a look at its
// first bytes, and returns the trees. Whether a binary needs shared libraries is
// left to the release, which knows the base.
func (Builder) Build(ctx context.Context, req build.Request) ([]*build.Tree, error) {
	assets, err := tree.Assets(ctx, req.Dir, req.Settings.Strings("files"))
	if err != nil {
		return nil, fmt.Errorf("build static: files: %w", err)
	}
	trees := make([]*build.Tree, len(req.Platforms))
	for i, p := range req.Platforms {
		file, err := binary(req, p)
		if err != nil {
			return nil, err
		}
		files, err := tree.Merge([]build.File{file}, assets)
		if err != nil {
			return nil, fmt.Errorf("build static: files: %w", err)
		}
		trees[i] = &build.Tree{
			Platform: p,
			Command:  append([]string{"./" + name}, req.Settings.Strings("args")...),
			Files:    files,
		}
	}
	return trees, nil
}

// binary finds and checks the binary of one platform.
func binary(req build.Request, p build.Platform) (build.File, error) {
	setting := req.Settings.String("binary")
	path := strings.NewReplacer("{os}", p.OS, "{arch}", p.Arch).Replace(setting)
	if !filepath.IsAbs(path) {
		path = filepath.Join(req.Dir, filepath.FromSlash(path))
	}
	path, err := filepath.EvalSymlinks(path)
	if err != nil {
		return build.File{}, wrong("There is no binary for "+p.String(),
			fmt.Sprintf("%v. Build it first; {os} and {arch} in the path stand for the platform.", err))
	}
	if info, err := os.Stat(path); err == nil && !info.Mode().IsRegular() {
		return build.File{}, wrong("This is no file", path+" is a folder or a device: name the binary itself.")
	}
	if err := checkFormat(path, p, setting); err != nil {
		return build.File{}, err
	}
	file, err := tree.Binary(path, name)
	if err != nil {
		return build.File{}, fmt.Errorf("build static: %w", err)
	}
	return file, nil
}

func wrong(summary, detail string) error {
	return &schema.Error{Attribute: "binary", Summary: summary, Detail: detail}
}
