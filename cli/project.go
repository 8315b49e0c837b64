package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"

	"github.com/urfave/cli/v2"

	"github.com/twofoldhq/twofold/build"
	"github.com/twofoldhq/twofold/build/builders"
	"github.com/twofoldhq/twofold/manifest"
	"github.com/twofoldhq/twofold/release"
)

// cacheDir is the folder beside a manifest that holds what can be made again:
// the outputs of builders and the releases that were built here.
const cacheDir = ".twofold"

// project is a manifest and the folder beside it.
type project struct {
	*manifest.Manifest
	terminal *terminal
}

// load reads the manifest that the flags name, in the environment that they name.
func (t *terminal) load(c *cli.Context) (*project, error) {
	return t.loadWith(manifestOptions(c))
}

// loadNames is load for a command that asks what is deployed: variables need no
// value.
func (t *terminal) loadNames(c *cli.Context) (*project, error) {
	options := manifestOptions(c)
	options.Partial = true
	return t.loadWith(options)
}

func (t *terminal) loadWith(o manifest.Options) (*project, error) {
	m, diagnostics := manifest.Load(o)
	if err := diagnostics.Err(); err != nil {
		return nil, err
	}
	if diagnostics.Len() > 0 {
		t.diagnostics(diagnostics)
	}
	return &project{Manifest: m, terminal: t}, nil
}

// manifestOptions are what the flags say about the manifest.
func manifestOptions(c *cli.Context) manifest.Options {
	return manifest.Options{
		Path:          c.String("manifest"),
		Environment:   c.String("env"),
		Variables:     c.StringSlice("var"),
		VariableFiles: c.StringSlice("var-file"),
		Builders:      builders.Schemas(),
		Plugins:       targetSchemas(),
	}
}

func (p *project) cache(parts ...string) string {
	return filepath.Join(append([]string{p.Dir, cacheDir}, parts...)...)
}

// prepareCache makes the cache folder, with a .gitignore of its own so that
// nobody has to add one.
func (p *project) prepareCache() error {
	if err := os.MkdirAll(p.cache(), 0o755); err != nil {
		return fmt.Errorf("make the cache folder: %w", err)
	}
	ignore := p.cache(".gitignore")
	if _, err := os.Lstat(ignore); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return os.WriteFile(ignore, []byte("*\n"), 0o644)
}

// store opens the project's own store of releases.
func (p *project) store() (*release.Store, error) {
	if err := p.prepareCache(); err != nil {
		return nil, err
	}
	return release.OpenStore(p.cache("store"))
}

// platforms returns what a service is built for: what the command line asks for,
// else what the manifest says, else this machine's architecture.
func platforms(asked []string, s *manifest.Service) ([]build.Platform, error) {
	names := asked
	if len(names) == 0 {
		names = s.Build.Platforms
	}
	if len(names) == 0 {
		return []build.Platform{hostPlatform()}, nil
	}
	var chosen []build.Platform
	seen := map[build.Platform]bool{}
	for _, name := range names {
		platform, err := build.ParsePlatform(name)
		if err != nil {
			return nil, &UsageError{Err: err}
		}
		if !seen[platform] {
			chosen = append(chosen, platform)
		}
		seen[platform] = true
	}
	return chosen, nil
}

func hostPlatform() build.Platform { return build.Platform{OS: "linux", Arch: runtime.GOARCH} }

// lock takes the project's lock, so that two builds of one project do not write
// the same outputs. It waits for the other, and says for whom.
func (p *project) lock(ctx context.Context) (unlock func(), err error) {
	if err := p.prepareCache(); err != nil {
		return nil, err
	}
	return acquire(ctx, p.cache("lock"), func(holder string) {
		p.terminal.note("waiting for another twofold in this project: " + holder)
	})
}
