package cli

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/twofoldhq/twofold/manifest"
	"github.com/twofoldhq/twofold/targets"
	"github.com/twofoldhq/twofold/targets/all"
	"github.com/twofoldhq/twofold/targets/local"
)

// defaultTarget is where a service goes that names no target.
const defaultTarget = "local.container"

func (c *commands) targets() *cli.Command {
	return command(&cli.Command{
		Name:  "targets",
		Usage: "what each target takes and does",
		Flags: []cli.Flag{jsonFlag()},
		Action: func(x *cli.Context) error {
			if err := noArguments(x); err != nil {
				return err
			}
			list, err := allTargets()
			if err != nil {
				return err
			}
			var described []targets.Capabilities
			rows := [][]string{{"TARGET", "FORMS", "PLATFORMS", "ALSO", "WHAT IT IS"}}
			for _, t := range list {
				d := t.Info().Capabilities()
				described = append(described, d)
				rows = append(rows, []string{d.Target, strings.Join(d.Forms, ", "), strings.Join(d.Platforms, ", "), strings.Join(d.Operations, ", "), d.Doc})
			}
			if x.Bool("json") {
				return c.json(described)
			}
			return c.table(rows)
		},
	})
}

func allTargets() ([]targets.Target, error) {
	dir, err := stateDir()
	if err != nil {
		return nil, err
	}
	executable, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("find the twofold binary: %w", err)
	}
	return all.All(all.Options{Local: local.Options{StateDir: dir, Executable: executable, Version: Version()}}), nil
}

// stateDir is where the local host keeps its deployments.
func stateDir() (string, error) {
	if dir := os.Getenv("TWOFOLD_STATE_DIR"); dir != "" {
		return filepath.Abs(dir)
	}
	if dir := os.Getenv("XDG_STATE_HOME"); filepath.IsAbs(dir) {
		return filepath.Join(dir, "twofold"), nil
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return "", withHint(fmt.Errorf("find the home folder: %w", err), "set TWOFOLD_STATE_DIR to a folder for the local host's state")
	}
	return filepath.Join(home, ".local", "state", "twofold"), nil
}

// chooseTargets returns the targets of those names, or all that exist if there
// are none. A name is an address, or its second part where that is unique.
func chooseTargets(names []string) ([]targets.Target, error) {
	list, err := allTargets()
	if err != nil || len(names) == 0 {
		return list, err
	}
	var chosen []targets.Target
	seen := map[string]bool{}
	for _, name := range names {
		t, err := findTarget(list, name)
		if err != nil {
			return nil, err
		}
		if address := t.Info().Address(); !seen[address] {
			seen[address] = true
			chosen = append(chosen, t)
		}
	}
	return chosen, nil
}

func findTarget(list []targets.Target, name string) (targets.Target, error) {
	var found []targets.Target
	var addresses []string
	for _, t := range list {
		info := t.Info()
		if info.Address() == name || "target."+info.Address() == name {
			return t, nil
		}
		if info.Name == name {
			found = append(found, t)
		}
		addresses = append(addresses, info.Address())
	}
	if len(found) == 1 {
		return found[0], nil
	}
	if len(found) > 1 {
		return nil, usageError(fmt.Sprintf("more than one target is named %q; use its address: %s", name, strings.Join(addresses, ", ")), "")
	}
	message := fmt.Sprintf("there is no target %q", name)
	if near := manifest.Nearest(name, addresses); near != "" {
		message += fmt.Sprintf("; did you mean %q?", near)
	}
	return nil, usageError(message, "twofold targets")
}

var errNoDeployment = errors.New("there is no such deployment")
