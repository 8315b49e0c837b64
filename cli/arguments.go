package cli

import (
	"fmt"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/twofoldhq/twofold/manifest"
)

// flagsFirst moves the flags of a command before its arguments. Go's flag package
// stops at the first argument, which would make "twofold build api --json" build
// a service named "--json". Whatever follows "--" stays where it is.
func flagsFirst(app *cli.App, args []string) []string {
	if len(args) < 2 {
		return args
	}
	command := app.Command(args[1])
	if command == nil {
		return args
	}
	takesValue := map[string]bool{}
	for _, f := range command.Flags {
		_, isBool := f.(*cli.BoolFlag)
		for _, name := range f.Names() {
			takesValue[name] = !isBool
		}
	}
	var flags, rest []string
	for i := 2; i < len(args); i++ {
		arg := args[i]
		if arg == "--" {
			rest = append(rest, args[i:]...)
			break
		}
		if !strings.HasPrefix(arg, "-") || arg == "-" {
			rest = append(rest, arg)
			continue
		}
		flags = append(flags, arg)
		name := strings.TrimLeft(arg, "-")
		if !strings.Contains(name, "=") && takesValue[name] && i+1 < len(args) {
			i++
			flags = append(flags, args[i])
		}
	}
	return append(append(append([]string{}, args[:2]...), flags...), rest...)
}

// command completes a command with what all have in common.
func command(c *cli.Command) *cli.Command {
	name := c.Name
	c.OnUsageError = func(_ *cli.Context, err error, _ bool) error {
		return usageError(err.Error(), "twofold "+name+" --help")
	}
	c.HideHelpCommand = true
	return c
}

// noArguments refuses arguments where a command takes none.
func noArguments(c *cli.Context) error {
	if c.Args().Present() {
		return usageError(fmt.Sprintf("%s takes no arguments, and got %q", c.Command.Name, c.Args().First()), "twofold "+c.Command.Name+" --help")
	}
	return nil
}

// services returns the manifest's services that the arguments name, or all.
func services(m *manifest.Manifest, names []string) ([]*manifest.Service, error) {
	if len(names) == 0 {
		if len(m.Services) == 0 {
			return nil, usageError("the manifest has no service", "")
		}
		return m.Services, nil
	}
	var chosen []*manifest.Service
	seen := map[string]bool{}
	for _, name := range names {
		s, err := m.Service(name)
		if err != nil {
			return nil, &UsageError{Err: err}
		}
		if !seen[name] {
			chosen = append(chosen, s)
		}
		seen[name] = true
	}
	return chosen, nil
}

// oneService returns the service that the argument names, or the only one.
func oneService(m *manifest.Manifest, names []string) (*manifest.Service, error) {
	if len(names) > 1 {
		return nil, usageError(fmt.Sprintf("one service at a time, not %d", len(names)), "")
	}
	if len(names) == 0 && len(m.Services) > 1 {
		var all []string
		for _, s := range m.Services {
			all = append(all, s.Name)
		}
		return nil, usageError("name the service: "+strings.Join(all, ", "), "")
	}
	chosen, err := services(m, names)
	if err != nil {
		return nil, err
	}
	return chosen[0], nil
}
