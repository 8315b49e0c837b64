// Package golang builds services that are written in Go, with the go command of
// the machine.
//
// The go command decides what has to be compiled; this package adds to a build
// with nothing to do one look at two files. The binaries are static, stripped and
// the same on every machine: no path, no time and no commit gets into them.
package golang

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"sync"

	"github.com/twofoldhq/twofold/build"
	"github.com/twofoldhq/twofold/build/tree"
	"github.com/twofoldhq/twofold/build/workdir"
	"github.com/twofoldhq/twofold/manifest/schema"
)

// binary is the name of the app in its tree.
const binary = "server"

// Builder is the builder "go". Its zero value is ready.
type Builder struct{}

var _ build.Builder = Builder{}

// Info describes the build block.
func (Builder) Info() build.Info {
	return build.Info{Name: "go", Schema: schema.Block{
		Label: "go",
		Doc:   "Compiles a Go service with the go command of the machine, into one static binary a platform.",
		Attributes: []schema.Attribute{
			{Name: "package", Type: schema.String, Default: "the package in dir", Example: `"./cmd/api"`,
				Doc: "The main package: a folder that begins with ./ and is relative to dir, or an import path of a module that go.mod requires, which can be someone else's server."},
			{Name: "dir", Type: schema.String, Default: "the manifest's folder", Example: `"services/api"`,
				Doc: "The folder where go runs, in the module of the service, relative to the manifest."},
			{Name: "args", Type: schema.Strings, Default: "none", Example: `["serve"]`,
				Doc: "Arguments that the app is started with."},
			{Name: "ldflags", Type: schema.Strings, Default: "none", Example: `["-X main.version=1.2.3"]`,
				Doc: "Flags for the linker, joined by spaces, after -s -w."},
			{Name: "tags", Type: schema.Strings, Default: "none", Example: `["netgo"]`,
				Doc: "Build tags."},
			{Name: "env", Type: schema.StringMap, Default: "none", Example: `{ GOEXPERIMENT = "jsonv2" }`,
				Doc: "Environment of the go command, over the one twofold was started in. CGO_ENABLED is 0 unless it is set here; the platform's variables cannot be set."},
			{Name: "files", Type: schema.Strings, Default: "none", Example: `["templates", "static"]`,
				Doc: "Files and folders below dir that lie beside the binary when it runs, at the same relative paths."},
		},
	}}
}

// Build compiles the service for each platform, all of them at a time.
func (b Builder) Build(ctx context.Context, req build.Request) ([]*build.Tree, error) {
	s, err := read(req)
	if err != nil {
		return nil, err
	}
	unlock, err := workdir.Lock(ctx, req.WorkDir, req.Log)
	if err != nil {
		return nil, err
	}
	defer unlock()
	assets, err := s.assets(ctx)
	if err != nil {
		return nil, err
	}
	binaries, err := compileAll(ctx, req, s)
	if err != nil {
		return nil, err
	}
	trees := make([]*build.Tree, len(req.Platforms))
	for i, p := range req.Platforms {
		files, err := tree.Merge([]build.File{binaries[i]}, assets)
		if err != nil {
			return nil, fmt.Errorf("build go: files: %w", err)
		}
		trees[i] = &build.Tree{
			Platform: p,
			Command:  append([]string{"./" + binary}, s.args...),
			Files:    files,
		}
	}
	return trees, nil
}

// compileAll compiles for all platforms side by side: a go command with nothing to
// compile keeps less than two cores busy, and one that links keeps one busy.
//
// Most often all of them fail for the same reason. So a failure ends the platforms
// after it, and the first in order is reported; nothing is said twice.
func compileAll(ctx context.Context, req build.Request, s settings) ([]build.File, error) {
	tmp, err := workdir.Fresh(req.WorkDir, "tmp")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(tmp)

	binaries := make([]build.File, len(req.Platforms))
	failures := make([]error, len(req.Platforms))
	logs := make([]bytes.Buffer, len(req.Platforms))
	var running sync.WaitGroup
	for i, p := range req.Platforms {
		c := compile{settings: s, platform: p, tmp: tmp, log: &logs[i],
			dir: filepath.Join(req.WorkDir, p.OS+"-"+p.Arch)}
		if i == 0 {
			c.log = req.Log // the others follow when they are done
		}
		own, cancel := context.WithCancel(ctx)
		defer cancel()
		ctx = own // whoever comes after ends with this one
		running.Go(func() {
			if binaries[i], failures[i] = c.run(own); failures[i] != nil {
				cancel()
			}
		})
	}
	running.Wait()
	for i, failure := range failures {
		if req.Log != nil {
			req.Log.Write(logs[i].Bytes())
		}
		if failure != nil {
			return nil, failure
		}
	}
	return binaries, nil
}
