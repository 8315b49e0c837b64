// Package secretfile looks up the values of a deployment's secrets on the machine
// that deploys: in the environment of the process, else in an untracked file of
// the project.
package secretfile

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"

	"github.com/twofoldhq/twofold/targets"
)

// FileName is the file in a project's folder that holds values of secrets. It
// must never be committed.
const FileName = "twofold.secrets"

// Values are the values of secrets, by the names of their variables. They print
// as their names only; their JSON holds the values.
type Values map[string]string

// String lists the names, without a value.
func (v Values) String() string {
	names := make([]string, 0, len(v))
	for name := range v {
		names = append(names, name)
	}
	slices.Sort(names)
	return fmt.Sprintf("secrets%q", names)
}

// GoString is String.
func (v Values) GoString() string { return v.String() }

// Format is String for every verb.
func (v Values) Format(f fmt.State, _ rune) { fmt.Fprint(f, v.String()) }

// Resolve looks up all secrets. A value is that of the variable Name of env, if it
// is set and not empty, else that of the file FileName in dir. The file is read
// only when a value is looked for in it. The warnings are sentences without a full
// stop about the file.
//
// The error names every secret that has no value, with the two ways to give it
// one. No error and no warning holds a value.
func Resolve(ctx context.Context, dir string, env func(string) (string, bool), secrets []targets.Secret) (v Values, warnings []string, err error) {
	v = make(Values, len(secrets))
	var rest []targets.Secret
	for _, s := range secrets {
		if value, ok := env(s.Name); ok && value != "" {
			v[s.Name] = value
			continue
		}
		rest = append(rest, s)
	}
	if len(rest) == 0 {
		return v, nil, nil
	}
	path := FileName
	var file map[string]string
	if dir != "" {
		path = filepath.Join(dir, FileName)
		file, warnings, err = readFile(ctx, dir)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, nil, err
		}
	}
	var missing []string
	for _, s := range rest {
		value, ok := file[s.Name]
		if !ok {
			missing = append(missing, describe(s))
			continue
		}
		v[s.Name] = value
	}
	if len(missing) > 0 {
		return nil, nil, fmt.Errorf("no value on this machine for %s: set a variable of that name in the environment of twofold, or add a line NAME=value to %s, which must not be committed",
			strings.Join(missing, ", "), path)
	}
	return v, warnings, nil
}

func describe(s targets.Secret) string {
	if s.From == "" {
		return fmt.Sprintf("secret %q", s.Name)
	}
	return fmt.Sprintf("secret %q (from %q)", s.Name, s.From)
}
