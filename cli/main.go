// Package cli is twofold's command line: one file a command. It is the only
// package that joins the rooms manifest, build, release, targets and traffic.
//
// Data goes to standard output and everything else to standard error, so that
// the output of each command can be piped.
package cli

import (
	"context"
	"errors"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/urfave/cli/v2"

	"github.com/twofoldhq/twofold/targets/local/host"
	"github.com/twofoldhq/twofold/targets/local/sandbox"
)

// Exit codes of the command line.
const (
	exitDone    = 0
	exitFailed  = 1
	exitUsage   = 2
	exitChanges = 2 // of plan --detailed-exitcode
)

// Streams are what a command reads and writes.
type Streams struct {
	In       io.Reader
	Out, Err io.Writer
}

// System returns the streams of the process.
func System() Streams { return Streams{In: os.Stdin, Out: os.Stdout, Err: os.Stderr} }

// Main runs the command line args, the program's name first, and returns the exit
// code: 0 done, 1 failed, 2 wrong usage or manifest.
func Main(args []string, s Streams) int {
	if code, ran := reexecuted(args); ran {
		return code
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	// After the first signal the default action is back, so that a second one
	// ends a command that hangs while it cleans up.
	context.AfterFunc(ctx, stop)

	t := newTerminal(s)
	app := newApp(t)
	err := app.RunContext(ctx, flagsFirst(app, args))
	t.progress.stop()
	if err != nil && ctx.Err() != nil && errors.Is(err, context.Canceled) {
		err = &interruptedError{}
	}
	return t.report(err)
}

// reexecuted runs the parts of twofold that start as processes of their own.
// They come first because the start of a sandbox is on the path of a request.
func reexecuted(args []string) (code int, ran bool) {
	if len(args) < 2 {
		return 0, false
	}
	switch args[1] {
	case sandbox.InitCommand:
		return sandbox.Init(), true
	case host.HostCommand:
		return host.Main(context.Background(), args[2:]), true
	}
	return 0, false
}

func newApp(t *terminal) *cli.App {
	c := &commands{terminal: t}
	return &cli.App{
		Name:                   "twofold",
		Usage:                  "deploy one service as a container and as a function, from one compile",
		Version:                Version(),
		Writer:                 t.out,
		ErrWriter:              t.err,
		HideHelpCommand:        false,
		UseShortOptionHandling: true,
		Suggest:                true,
		EnableBashCompletion:   true,
		Commands: []*cli.Command{
			c.init(),
			c.validate(),
			c.check(),
			c.fmt(),
			c.schema(),
			c.build(),
			c.export(),
			c.verify(),
			c.plan(),
			c.deploy(),
			c.status(),
			c.logs(),
			c.invoke(),
			c.exec(),
			c.rollback(),
			c.destroy(),
			c.parity(),
			c.targets(),
			c.iam(),
		},
		// The exit code and the words of an error are chosen in one place: report.
		ExitErrHandler: func(*cli.Context, error) {},
		OnUsageError: func(_ *cli.Context, err error, _ bool) error {
			return usageError(err.Error(), "twofold --help")
		},
		Action: func(c *cli.Context) error {
			if name := c.Args().First(); name != "" {
				return unknownCommand(c.App, name)
			}
			return cli.ShowAppHelp(c)
		},
	}
}

// commands makes the commands; each has a method in a file of its own.
type commands struct {
	*terminal
}
