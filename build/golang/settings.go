package golang

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/twofoldhq/twofold/build"
	"github.com/twofoldhq/twofold/build/tree"
	"github.com/twofoldhq/twofold/manifest/schema"
)

// settings are the attributes of the build block, checked as far as that takes
// no time.
type settings struct {
	pkg     string
	dir     string // absolute
	args    []string
	ldflags string
	tags    string
	env     map[string]string
	files   []string
	// set says which attributes the manifest sets: errors are shown there.
	set schema.Values
}

// ours are the variables of the go command that this package sets.
var ours = []string{"GOOS", "GOARCH", "GOAMD64", "GOARM64", "GOTMPDIR"}

func read(req build.Request) (settings, error) {
	v := req.Settings
	s := settings{
		pkg:     v.String("package"),
		dir:     filepath.Join(req.Dir, filepath.FromSlash(v.String("dir"))),
		args:    v.Strings("args"),
		ldflags: strings.Join(append([]string{"-s", "-w"}, v.Strings("ldflags")...), " "),
		tags:    strings.Join(v.Strings("tags"), ","),
		env:     v.StringMap("env"),
		files:   v.Strings("files"),
		set:     v,
	}
	if s.pkg == "" {
		s.pkg = "."
	}
	if filepath.IsAbs(filepath.FromSlash(v.String("dir"))) {
		return s, s.wrong("dir", "The folder is an absolute path", "Give it relative to the manifest, so that the service builds on every machine.")
	}
	if info, err := os.Stat(s.dir); err != nil || !info.IsDir() {
		return s, s.wrong("dir", "There is no such folder", fmt.Sprintf("%s is where the service's module should be.", s.dir))
	}
	switch {
	case strings.HasPrefix(s.pkg, "-"):
		return s, s.wrong("package", "This is not a package", `Name a folder, such as "./cmd/api", or an import path.`)
	case strings.Contains(s.pkg, "..."):
		return s, s.wrong("package", "This names several packages", `A service is one main package: name its folder, such as "./cmd/api".`)
	case filepath.IsAbs(s.pkg):
		return s, s.wrong("package", "The package is an absolute path", `Give its folder relative to dir, such as "./cmd/api".`)
	}
	if first, _, below := strings.Cut(s.pkg, "/"); below && !strings.Contains(first, ".") {
		// The go command would look for it in the standard library.
		if info, err := os.Stat(filepath.Join(s.dir, s.pkg)); err == nil && info.IsDir() {
			return s, s.wrong("package", "This is not an import path",
				fmt.Sprintf("A folder begins with ./ to tell it from one: package = %q", "./"+s.pkg))
		}
	}
	if strings.Contains(s.ldflags, "-buildid") {
		return s, s.wrong("ldflags", "The flag -buildid does harm here",
			"Without its build ID the go command links again each time. Leave the flag out: the binary is reproducible as it is.")
	}
	for name := range s.env {
		if slices.Contains(ours, name) {
			return s, s.wrong("env", name+" cannot be set", "It follows from the platforms that the service is built for.")
		}
	}
	return s, nil
}

// assets lists the files that lie beside the binary.
func (s settings) assets(ctx context.Context) ([]build.File, error) {
	if len(s.files) == 0 {
		return nil, nil
	}
	files, err := tree.Assets(ctx, s.dir, s.files)
	if err != nil {
		return nil, fmt.Errorf("build go: files: %w", err)
	}
	return files, nil
}

// wrong is an error in an attribute, or in the block if the manifest leaves the
// attribute to its default.
func (s settings) wrong(attribute, summary, detail string) error {
	if !s.set.Has(attribute) {
		attribute = ""
	}
	return &schema.Error{Attribute: attribute, Summary: summary, Detail: detail}
}
