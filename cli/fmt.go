package cli

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/rogpeppe/go-internal/diff"
	"github.com/urfave/cli/v2"

	"github.com/twofoldhq/twofold/manifest"
)

func (c *commands) fmt() *cli.Command {
	return command(&cli.Command{
		Name:      "fmt",
		Usage:     "put manifests into their canonical form",
		ArgsUsage: "[FILE|FOLDER|-...]",
		Description: "Without arguments, the files of the project's manifest are formatted; of a folder, those of its manifest.\n" +
			"The names of the files that change are printed. With -, standard input is formatted to standard output.",
		Flags: []cli.Flag{
			&cli.BoolFlag{Name: "check", Usage: "change nothing; exit with 1 if a file is not in its canonical form"},
			&cli.BoolFlag{Name: "diff", Usage: "change nothing; print what would change"},
		},
		Action: func(x *cli.Context) error {
			files, err := formatted(x.Args().Slice())
			if err != nil {
				return err
			}
			f := formatter{terminal: c.terminal, check: x.Bool("check"), diff: x.Bool("diff")}
			changed := false
			problems := &manifest.Diagnostics{}
			for _, file := range files {
				differs, diagnostics, err := f.format(file)
				if err != nil {
					return err
				}
				problems.Append(diagnostics)
				changed = changed || differs
			}
			if err := problems.Err(); err != nil {
				return err
			}
			if changed && f.check {
				return exitCode(exitFailed)
			}
			return nil
		},
	})
}

// standardInput is the argument that stands for it.
const standardInput = "-"

// formatted are the files that the arguments name.
func formatted(args []string) ([]string, error) {
	if len(args) == 0 {
		files, problems := manifest.Files("")
		return files, problems.Err()
	}
	var files []string
	for _, arg := range args {
		if info, err := os.Stat(arg); arg == standardInput || err != nil || !info.IsDir() {
			files = append(files, arg)
			continue
		}
		parts, problems := manifest.Files(arg)
		if err := problems.Err(); err != nil {
			return nil, err
		}
		files = append(files, parts...)
	}
	return files, nil
}

type formatter struct {
	*terminal
	check, diff bool
}

// format formats one file and says whether that changes it. A file with syntax
// errors is left alone.
func (f formatter) format(file string) (differs bool, problems *manifest.Diagnostics, err error) {
	source, err := f.source(file)
	if err != nil {
		return false, nil, fmt.Errorf("format: %w", err)
	}
	if strings.HasSuffix(file, ".json") {
		f.note(file + " is JSON, which is left as it is")
		return false, &manifest.Diagnostics{}, nil
	}
	name := file
	if file == standardInput {
		name = "standard input"
	}
	text, problems := manifest.FormatFile(source, name)
	if problems.HasErrors() {
		return false, problems, nil
	}
	differs = !bytes.Equal(source, text)
	switch {
	case f.diff:
		_, err = f.out.Write(diff.Diff(name, source, name+" (formatted)", text))
	case file == standardInput && !f.check:
		_, err = f.out.Write(text)
	case !differs:
	default:
		if _, err = fmt.Fprintln(f.out, name); err == nil && !f.check {
			err = replace(file, text)
		}
	}
	return differs, problems, err
}

func (f formatter) source(file string) ([]byte, error) {
	if file == standardInput {
		return io.ReadAll(f.in)
	}
	return os.ReadFile(file)
}

// replace writes a file anew. A link stays one, and the file keeps its mode.
func replace(file string, content []byte) error {
	path, err := filepath.EvalSymlinks(file)
	if err != nil {
		return fmt.Errorf("format: %w", err)
	}
	info, err := os.Stat(path)
	if err != nil {
		return fmt.Errorf("format: %w", err)
	}
	return writeWhole(path, info.Mode().Perm(), func(w io.Writer) error {
		_, err := w.Write(content)
		return err
	})
}
