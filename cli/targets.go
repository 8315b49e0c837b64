package cli

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/urfave/cli/v2"

	"github.com/twofoldhq/twofold/targets/local"
)

func (c *commands) targets() *cli.Command {
	return command(&cli.Command{
		Name:      "targets",
		Usage:     "what each target takes and does",
		ArgsUsage: "[TARGET]",
		Description: "Without TARGET, the targets that exist, those that the manifest declares, and the kinds that it could.\n" +
			"With one, or with the name of a kind such as lambda, its limits and where they are written.",
		Flags:  flags(manifestFlags(), jsonFlag()),
		Action: c.describeTargets,
	})
}

// localOptions say where the local host is.
func localOptions() (local.Options, error) {
	dir, err := stateDir()
	if err != nil {
		return local.Options{}, err
	}
	executable, err := os.Executable()
	if err != nil {
		return local.Options{}, fmt.Errorf("find the twofold binary: %w", err)
	}
	return local.Options{StateDir: dir, Executable: executable, Version: Version()}, nil
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

var errNoDeployment = errors.New("there is no such deployment")
