package golang

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/twofoldhq/twofold/build"
	"github.com/twofoldhq/twofold/build/tool"
	"github.com/twofoldhq/twofold/build/tree"
)

// compile is one run of the go command for one platform.
//
// Its folder holds the binary, a stub and a record of both. The go command links
// only if its output file is missing or out of date, which it tells by the build
// ID near the file's beginning; but it sets the time of a file that is up to date,
// so that whoever packs the binary would take it for changed each time. So the go
// command is shown the stub, which is the beginning of the binary and nothing
// else. If it leaves the stub in place, the binary is up to date and untouched; if
// it replaces the stub, that is the new binary.
type compile struct {
	settings settings
	platform build.Platform
	dir      string // of the outputs of this platform
	tmp      string // of the go command, in the same file system as dir
	log      io.Writer
}

// stubSize is more than the go command reads to find a build ID.
const stubSize = 64 << 10

func (c compile) run(ctx context.Context) (build.File, error) {
	if err := os.MkdirAll(c.dir, 0o755); err != nil {
		return build.File{}, fmt.Errorf("build go: make folder: %w", err)
	}
	known := c.known()
	if !known {
		// Something else wrote here, or a build was killed: have go link again.
		if err := os.Remove(c.stub()); err != nil && !errors.Is(err, os.ErrNotExist) {
			return build.File{}, fmt.Errorf("build go: clear folder: %w", err)
		}
	}
	if err := c.goBuild(ctx); err != nil {
		return build.File{}, err
	}
	if !known || !c.known() {
		if err := c.take(); err != nil {
			return build.File{}, fmt.Errorf("build go: keep binary: %w", err)
		}
	}
	return tree.Binary(c.binary(), binary)
}

func (c compile) goBuild(ctx context.Context) error {
	args := append([]string{"go", "build"}, c.flags()...)
	cmd := tool.Command{
		Args:    append(args, "-o", c.stub(), c.settings.pkg),
		Dir:     c.settings.dir,
		Env:     c.environment(os.Environ()),
		Display: c.display(),
		Log:     c.log,
	}
	_, err := cmd.Run(ctx)
	var failed *build.ToolError
	if errors.As(err, &failed) {
		return c.explain(ctx, failed)
	}
	return err
}

// flags are the flags of go build. The build mode is stated because a library
// would otherwise be archived without an error, and because a position-independent
// executable would need a dynamic loader.
func (c compile) flags() []string {
	f := []string{"-trimpath", "-buildvcs=false", "-buildmode=exe", "-ldflags", c.settings.ldflags}
	if c.settings.tags != "" {
		f = append(f, "-tags", c.settings.tags)
	}
	return f
}

// environment adds to env what the go command needs to know. GOFLAGS stays as it
// is: it may hold -mod=vendor.
func (c compile) environment(env []string) []string {
	env = append(env, "CGO_ENABLED=0")
	for name, value := range c.settings.env {
		env = append(env, name+"="+value)
	}
	return append(env,
		"GOOS="+c.platform.OS, "GOARCH="+c.platform.Arch,
		"GOAMD64=v1", "GOARM64=v8.0",
		"GOTMPDIR="+c.tmp, "PWD="+c.settings.dir)
}

// display is the command line that a person would type to see the same.
func (c compile) display() string {
	args := append([]string{"go", "build"}, c.flags()...)
	return "GOOS=" + c.platform.OS + " GOARCH=" + c.platform.Arch + " " + tool.Quote(append(args, c.settings.pkg))
}

func (c compile) binary() string { return filepath.Join(c.dir, binary) }
func (c compile) stub() string   { return filepath.Join(c.dir, "go", binary) }
func (c compile) record() string { return filepath.Join(c.dir, "record") }
