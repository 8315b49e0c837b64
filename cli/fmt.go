package cli

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/urfave/cli/v2"

	"github.com/twofoldhq/twofold/manifest"
)

func (c *commands) fmt() *cli.Command {
	return command(&cli.Command{
		Name:      "fmt",
		Usage:     "put manifests into their canonical form",
		ArgsUsage: "[FILE...]",
		Flags:     []cli.Flag{&cli.BoolFlag{Name: "check", Usage: "change nothing; exit with 1 if a file is not in its canonical form"}},
		Action: func(x *cli.Context) error {
			files := x.Args().Slice()
			if len(files) == 0 {
				files = []string{manifest.DefaultFile}
			}
			changed := false
			for _, file := range files {
				differs, err := c.format(file, !x.Bool("check"))
				if err != nil {
					return err
				}
				changed = changed || differs
			}
			if changed && x.Bool("check") {
				return exitCode(exitFailed)
			}
			return nil
		},
	})
}

// format formats one file and prints its name if that changes it.
func (c *commands) format(file string, write bool) (differs bool, err error) {
	source, err := os.ReadFile(file)
	if err != nil {
		return false, fmt.Errorf("format: %w", err)
	}
	formatted := manifest.Format(source)
	if bytes.Equal(source, formatted) {
		return false, nil
	}
	fmt.Fprintln(c.out, file)
	if !write {
		return true, nil
	}
	// A link stays one, and the file keeps its mode.
	path, err := filepath.EvalSymlinks(file)
	if err != nil {
		return true, fmt.Errorf("format: %w", err)
	}
	info, err := os.Stat(path)
	if err != nil {
		return true, fmt.Errorf("format: %w", err)
	}
	return true, writeWhole(path, info.Mode().Perm(), func(w io.Writer) error {
		_, err := w.Write(formatted)
		return err
	})
}
