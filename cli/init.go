package cli

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/twofoldhq/twofold/manifest"
	"github.com/twofoldhq/twofold/templates"
)

func (c *commands) init() *cli.Command {
	return command(&cli.Command{
		Name:        "init",
		Usage:       "scaffold a service and its manifest",
		ArgsUsage:   "[TEMPLATE] [FOLDER]",
		Description: templateList(),
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "project", Usage: "the project's `NAME` (default: after the folder)"},
		},
		Action: func(x *cli.Context) error {
			if x.Args().Len() > 2 {
				return usageError("init takes a template and a folder", "twofold init --help")
			}
			name := x.Args().Get(0)
			if name == "" {
				name = templates.All()[0].Name
			}
			if err := knownTemplate(name); err != nil {
				return err
			}
			dir, err := filepath.Abs(x.Args().Get(1))
			if err != nil {
				return fmt.Errorf("find the folder: %w", err)
			}
			project := x.String("project")
			if project == "" {
				project = projectName(filepath.Base(dir))
			}
			started := time.Now()
			if err := os.MkdirAll(dir, 0o755); err != nil {
				return fmt.Errorf("make the folder: %w", err)
			}
			files, err := templates.Write(dir, name, templates.Values{Project: project, Module: "example.com/" + project})
			if err != nil {
				return err
			}
			for _, file := range files {
				if _, err := fmt.Fprintln(c.out, file); err != nil {
					return err
				}
			}
			c.done(project, "from the template "+name, time.Since(started))
			c.hint("twofold deploy")
			return nil
		},
	})
}

func templateList() string {
	text := "The templates:\n"
	for _, t := range templates.All() {
		text += fmt.Sprintf("   %-10s %s\n", t.Name, t.Doc)
	}
	return strings.TrimRight(text, "\n")
}

func knownTemplate(name string) error {
	var names []string
	for _, t := range templates.All() {
		if t.Name == name {
			return nil
		}
		names = append(names, t.Name)
	}
	message := fmt.Sprintf("there is no template %q: use %s", name, strings.Join(names, ", "))
	if near := manifest.Nearest(name, names); near != "" {
		message = fmt.Sprintf("there is no template %q; did you mean %q?", name, near)
	}
	return usageError(message, "twofold init --help")
}

var notInName = regexp.MustCompile(`[^a-z0-9]+`)

// projectName makes a project's name, a DNS label that starts with a letter, of
// what a folder is called.
func projectName(folder string) string {
	name := strings.Trim(notInName.ReplaceAllString(strings.ToLower(folder), "-"), "-")
	if name == "" || name[0] < 'a' || name[0] > 'z' {
		name = "app-" + name
	}
	if len(name) > 40 {
		name = name[:40]
	}
	return strings.Trim(name, "-")
}
